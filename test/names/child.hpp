// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "galena/time.hpp"

namespace galena {

/// A program of its own, whose lines one can wait for. Killed with the object.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command) {
    std::array<int, 2> pipe{};
    if (pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const int failed = posix_spawn(&pid_, command.front().c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe[1]);
    out_ = pipe[0];
    if (failed != 0) throw std::runtime_error("cannot start " + command.front());
  }
  ~Child() {
    signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) const { kill(pid_, number); }

  /// The next line that starts with `start`; lines before it are passed over. Empty if none comes in time.
  std::string line(const std::string& start, Duration limit = std::chrono::seconds(20)) {
    const Time end = Clock::now() + limit;
    for (;;) {
      for (auto at = buffer_.find('\n'); at != std::string::npos; at = buffer_.find('\n')) {
        const std::string found = buffer_.substr(0, at);
        buffer_.erase(0, at + 1);
        if (found.starts_with(start)) return found;
      }
      pollfd wait{out_, POLLIN, 0};
      const auto left = in_milliseconds(end - Clock::now());
      if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) return {};
      std::array<char, 4096> bytes{};
      const ssize_t got = read(out_, bytes.data(), bytes.size());
      if (got <= 0) return {};
      buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string buffer_;
};

/// The path of a program built beside this one.
inline std::string built(const std::string& path) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / path).string();
}

}  // namespace galena
