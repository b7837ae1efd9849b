// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "plan/task.hpp"

namespace galena::bench {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

/// Streams of this host: over TCP, where a peer is a port of the loopback interface, or between processes, where it is
/// a name. All throw Error (system).
Descriptor listen_on(Transport transport, std::string& peer);
Descriptor accept_from(const Descriptor& listener);
/// Tries for as long as `patience_ms` if nobody listens yet.
Descriptor connect_to(Transport transport, const std::string& peer, int patience_ms = 0);

void write_all(const Descriptor& socket, const char* bytes, std::size_t size);
/// Up to `size` bytes; 0 at the end.
std::size_t read_some(const Descriptor& socket, char* bytes, std::size_t size);

/// What is negative becomes an Error (system).
int check_system(const char* what, long result);

}  // namespace galena::bench
