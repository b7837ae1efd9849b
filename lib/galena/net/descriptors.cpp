// SPDX-License-Identifier: Apache-2.0
#include "galena/net/descriptors.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "galena/error.hpp"

namespace galena::net {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) close(fd_);
  fd_ = other.release();
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

std::size_t descriptor_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return std::min<std::size_t>(files.rlim_cur, 1U << 30);
}

/// The kernel gives the lowest free number, so that the highest ones are mostly free: it counts from there.
std::size_t free_descriptors(std::size_t enough) {
  std::array<pollfd, 512> asked{};
  std::size_t free = 0;
  for (std::size_t above = descriptor_limit(); above > 0 && free < enough;) {
    const std::size_t count = std::min(above, asked.size());
    above -= count;
    for (std::size_t i = 0; i < count; ++i) asked[i] = {static_cast<int>(above + i), 0, 0};
    if (poll(asked.data(), count, 0) < 0) continue;  // counted as used
    free += static_cast<std::size_t>(std::count_if(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(count),
                                                   [](const pollfd& one) { return (one.revents & POLLNVAL) != 0; }));
  }
  return free;
}

std::size_t reserved_descriptors() { return std::clamp<std::size_t>(descriptor_limit() / 8, 8, 128); }

void require_descriptors(std::size_t count) {
  const std::size_t needed = reserved_descriptors() + count;
  if (free_descriptors(needed) >= needed) return;
  throw Error(ErrorCode::system, "too few descriptors are left of the " + std::to_string(descriptor_limit()) +
                                     " that this process may have: raise the limit (ulimit -n), or share fewer stages "
                                     "and connections per process");
}

}  // namespace galena::net
