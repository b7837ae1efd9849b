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
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "galena/time.hpp"

namespace galena::test {

/// The path of a program built beside this one.
inline std::string built(const std::string& path) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / path).string();
}

/// A program that a test starts, says lines to, and waits for lines of. Killed with the object.
class Child {
 public:
  explicit Child(std::vector<std::string> command) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const int failed = posix_spawn(&pid_, command.front().c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    in_ = in[1];
    out_ = out[0];
    if (failed != 0) throw std::runtime_error("cannot start " + command.front());
  }
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(in_);
    close(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) const { kill(pid_, number); }
  /// Waits until the program handles the signal.
  bool comes_to_catch(int number) const {
    const Time end = Clock::now() + std::chrono::seconds(30);
    while (Clock::now() < end) {
      std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
      for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("SigCgt:")) continue;
        if ((std::stoull(line.substr(7), nullptr, 16) >> static_cast<unsigned>(number - 1)) % 2 == 1) return true;
      }
      usleep(500);
    }
    return false;
  }
  void say(const std::string& line) const {
    const std::string text = line + "\n";
    [[maybe_unused]] const auto written = write(in_, text.data(), text.size());
  }

  /// What line() answers if no such line comes in time.
  static constexpr const char* nothing = "(nothing)";
  /// The next line that starts with `start`; lines before it are kept in lines().
  std::string line(const std::string& start, Duration limit = std::chrono::seconds(30)) {
    const Time end = Clock::now() + limit;
    for (;;) {
      for (auto at = buffer_.find('\n'); at != std::string::npos; at = buffer_.find('\n')) {
        lines_.push_back(buffer_.substr(0, at));
        buffer_.erase(0, at + 1);
        if (lines_.back().starts_with(start)) return lines_.back();
      }
      pollfd wait{out_, POLLIN, 0};
      const auto left = in_milliseconds(end - Clock::now());
      if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) return nothing;
      std::array<char, 65536> bytes{};
      const ssize_t got = read(out_, bytes.data(), bytes.size());
      if (got <= 0) return nothing;
      buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }
  /// Says it and answers with the next line that starts so.
  std::string ask(const std::string& what, const std::string& start) {
    say(what);
    return line(start);
  }
  /// All that it has said so far and was waited for.
  const std::vector<std::string>& lines() const { return lines_; }

  /// How the program ended: its exit code, or the signal as a negative number. Reads what it still says.
  int wait(Duration limit = std::chrono::seconds(30)) {
    line("(end of output)", limit);
    const Time end = Clock::now() + limit;
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (Clock::now() > end) return -1000;
      usleep(500);
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::string buffer_;
  std::vector<std::string> lines_;
};

}  // namespace galena::test
