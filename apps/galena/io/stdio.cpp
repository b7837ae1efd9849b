// SPDX-License-Identifier: Apache-2.0
#include "io/stdio.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace galena::cli {

void open_missing_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one. What is open for reading only refuses to be written.
    [[maybe_unused]] const int opened = ::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

bool flush_printed() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace galena::cli
