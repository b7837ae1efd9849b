// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

namespace galena {

/// Runs `child` in a forked process and says how that ended: "exit 0", "signal 15". A child that does not end within 30
/// s is killed ("signal 14").
inline std::string forked(const std::function<int()>& child) {
  const pid_t pid = fork();
  if (pid == 0) {
    for (const int number : {SIGALRM, SIGINT, SIGTERM}) ::signal(number, SIG_DFL);  // not the test program's handlers
    alarm(30);
    _exit(child());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

}  // namespace galena
