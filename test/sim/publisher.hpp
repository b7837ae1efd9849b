// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "env.hpp"
#include "galena/core/outlet.hpp"
#include "wire.hpp"

namespace galena::sim {

/// One life of a stage's publishing half: an Outlet, and its wires. Does what the stage layer's publisher does.
class Publisher {
 public:
  using Answer = core::Outlet::Answer;

  Publisher(Env& env, std::size_t stage, std::uint32_t actor);
  /// The process dies: nothing is said.
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void attach(Wire& wire);
  /// Appends an event that goes back to `content`, or to itself.
  Answer append(std::uint8_t topic, std::size_t padding, const core::Provenance* from, const Content* content);

  /// Reads up to `count` messages, and sends what there is to send.
  bool receive(std::size_t count);
  bool transmit();
  /// libzmq lets go of some of the frames that it was lent.
  bool release(std::size_t count);
  void note_time();
  void drain() { outlet_.drain(); }
  /// The stream ends, and everybody is told.
  void end();

  core::Outlet& outlet() { return outlet_; }
  const core::Outlet& outlet() const { return outlet_; }
  const Stream& stream() const { return stream_; }
  Id stage() const { return outlet_.options().stage; }
  std::size_t number() const { return number_; }
  bool at_rest() const;
  std::string state() const;
  void check_rest() const { env_.books.check_rest(outlet_); }

 private:
  bool receive_from(Wire& wire);
  void check() { env_.books.check_outlet(stream_, outlet_, env_.now); }

  Env& env_;
  std::size_t number_;
  std::uint32_t actor_;
  core::Outlet outlet_;
  Stream& stream_;
  std::map<std::string, Wire*> wires_;
  std::deque<core::Segment*> lent_;
  Time next_time_;
};

}  // namespace galena::sim
