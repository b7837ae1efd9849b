// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

namespace chaos {

inline void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// Obeys standard input, line by line, on a thread of its own, from open() until it is destroyed. When whoever gave the
/// commands is gone, the process ends at once.
class Desk {
 public:
  using Command = std::function<void(std::istringstream&)>;

  ~Desk() {
    const std::lock_guard lock(state_->mutex);
    state_->commands.clear();
  }

  void add(const std::string& verb, Command command) { state_->commands[verb] = std::move(command); }
  void open() {
    std::thread([state = state_] {
      for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string verb;
        words >> verb;
        const std::lock_guard lock(state->mutex);
        if (const auto it = state->commands.find(verb); it != state->commands.end()) it->second(words);
      }
      std::_Exit(9);
    }).detach();
  }

 private:
  struct State {
    std::mutex mutex;
    std::map<std::string, Command> commands;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace chaos
