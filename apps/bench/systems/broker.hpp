// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/task.hpp"
#include "systems/socket.hpp"

namespace galena::bench {

/// Where the server of a broker is on this machine. Empty if it is not installed, or if this is none.
std::string broker_program(System system);
/// The Debian package it is in.
std::string broker_package(System system);

/// One connection to nats-server or redis-server, in the text protocol of that one. It publishes, or it subscribes.
class BrokerLink {
 public:
  /// Throws Error (system).
  BrokerLink(System system, const std::string& port);

  /// Returns when the server has confirmed it.
  void subscribe(const std::string& channel);
  /// Gathers 64 KiB before it writes, unless told to flush.
  void publish(std::string_view channel, std::string_view payload);
  void flush();

  /// The payload of the next event; valid until the next call. Empty if none has come and it should not wait, or at the
  /// end.
  std::optional<std::string_view> next(bool wait);

 private:
  enum class Kind { event, other };
  struct Parsed {
    Kind kind = Kind::other;
    std::string_view payload = {};
    std::size_t size = 0;
  };

  std::optional<Parsed> parse_nats(std::string_view bytes);
  static std::optional<Parsed> parse_redis(std::string_view bytes);
  std::optional<Parsed> take();
  /// False if nothing came.
  bool fill(bool wait);
  void wait_for_answer();

  System system_;
  Descriptor socket_;
  std::string output_;
  std::vector<char> input_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace galena::bench
