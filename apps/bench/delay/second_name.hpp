// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include <galena/galena.hpp>
#include <galena/msgpack.hpp>

#include "run/gate.hpp"
#include "run/room.hpp"

namespace galena::bench {

/// Registers a stage of this host under a second name, with an address of its own: a consumer that subscribes to that
/// name comes to this address, and asks for the stage that it leads to. It speaks with the name service that a Node of
/// this host has, as PROTOCOL.md says. It runs on a thread of its own, which ends with the process.
class SecondName {
 public:
  struct Options {
    std::string domain;
    std::string name;
    std::string second;
    std::string endpoint;  ///< where the second name leads
  };

  explicit SecondName(Options options);
  SecondName(const SecondName&) = delete;
  SecondName& operator=(const SecondName&) = delete;

  /// The loopback port of the stage with the first name. Blocks until the second one is registered. Throws Error
  /// (timeout).
  std::string target();

 private:
  void run();
  void say_hello();
  void say_renew();
  void handle(std::string_view message);
  void follow(const msgpack::object& entry);
  void register_as(const msgpack::object& entry);

  Options options_;
  Id node_ = Id::random();
  std::uint64_t requests_ = 0;
  void* context_;
  void* service_;
  std::string target_;
  Gate registered_{1};
};

}  // namespace galena::bench
