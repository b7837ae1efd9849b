// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>

namespace galena::net {

/// Owns a file descriptor, or none (-1).
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// How many descriptors this process may have (its soft limit).
std::size_t descriptor_limit();
/// How many more it could open now. Counting ends when there are `enough`.
std::size_t free_descriptors(std::size_t enough);
/// So many stay free for what libzmq opens on its own threads, where it cannot say that there was none: an eighth of
/// the limit, 8 at least and 128 at most.
std::size_t reserved_descriptors();
/// Throws Error (system) unless `count` descriptors are free beside those in reserve.
void require_descriptors(std::size_t count);

}  // namespace galena::net
