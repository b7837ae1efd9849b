// SPDX-License-Identifier: Apache-2.0
#include "common/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "galena/error.hpp"

namespace galena::common {

namespace {

/// Where posix_spawn is told what to change in the child.
struct Plan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  explicit Plan(int standard_output) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, standard_output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&signals, signal);
    posix_spawnattr_setsigdefault(&attributes, &signals);
  }
  ~Plan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
};

Error system_error(const char* what, int code) {
  return {ErrorCode::system, std::string("cannot start a process of this program: ") + what + ": " + strerror(code)};
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw system_error("pipe", errno);
  output_ = ends[0];
  fcntl(output_, F_SETFL, O_NONBLOCK);

  const std::string self = "/proc/self/exe";
  std::vector<std::string> words{program_invocation_short_name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const Plan plan(ends[1]);
  const int code = posix_spawn(&pid_, self.c_str(), &plan.actions, &plan.attributes, argv.data(), environ);
  close(ends[1]);
  if (code != 0) {
    close(output_);
    throw system_error("posix_spawn", code);
  }
}

Child::~Child() {
  close(output_);
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Child::read_output() {
  char bytes[4096];
  while (!finished_) {
    const ssize_t size = read(output_, bytes, sizeof bytes);
    if (size > 0) {
      text_.append(bytes, static_cast<std::size_t>(size));
    } else if (size == 0) {
      finished_ = true;
    } else if (errno != EINTR) {
      return;  // EAGAIN: that was all for now
    }
  }
}

std::optional<std::string> Child::next_line() {
  const std::size_t end = text_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = text_.substr(0, end);
  text_.erase(0, end + 1);
  return line;
}

std::optional<std::string> Child::wait_for_line(Time deadline) {
  for (;;) {
    read_output();
    if (auto line = next_line()) return line;
    const auto left = in_milliseconds(deadline - Clock::now());
    if (finished_ || left <= 0) return std::nullopt;
    pollfd event{output_, POLLIN, 0};
    poll(&event, 1, static_cast<int>(std::min(left, 60'000LL)));
  }
}

void Child::terminate() {
  if (pid_ > 0) kill(pid_, SIGTERM);
}

int Child::exit_code() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void print_line(const std::string& line) {
  const std::string whole = line + "\n";
  std::fwrite(whole.data(), 1, whole.size(), stdout);
  std::fflush(stdout);
}

void die_with_parent() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before that: then this process belongs to somebody else by now, who does not read its output.
  pollfd output{STDOUT_FILENO, 0, 0};
  if (poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0) _exit(1);
}

}  // namespace galena::common
