// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "galena/export.hpp"
#include "galena/id.hpp"
#include "galena/selection.hpp"
#include "galena/state.hpp"
#include "galena/time.hpp"

namespace galena {

/// Events that somebody wanted and did not get: (topic, reason) -> events. Of mismatches: (topic, producer) -> events.
using DropCounts = std::map<std::pair<std::string, std::string>, std::uint64_t>;

/// One subscription as the publisher sees it, since it subscribed, over all its connections. At any moment
///   selected = acknowledged + in flight (sent - acknowledged) + held() + dropped
/// and what it missed of the stream before is `lost`, as far as anybody knows how many events that were.
struct LinkInfo {
  Id subscription;
  std::string consumer;  ///< its name, for people
  Id consumer_stage;     ///< its stage; none if it did not say
  std::string address;   ///< where its last connection came from: an IPv4 address, or `pid 123` over ipc; else empty
  std::string identity;
  Selection selection;
  std::uint64_t selected = 0;      ///< events it selected since it subscribed
  std::uint64_t sent = 0;          ///< of these
  std::uint64_t acknowledged = 0;  ///< of these
  std::uint64_t dropped = 0;       ///< will not be sent; its consumer was told
  std::uint64_t lost = 0;          ///< not kept until it came back; its consumer was told
  bool away = false;               ///< its connection broke, and its place is held
  std::uint64_t held_bytes = 0;    ///< memory of the events that are held for it and were not sent

  /// Selected, and neither sent nor dropped.
  std::uint64_t held() const { return selected - sent - dropped; }
};

/// Of a subscribing side, since it started.
struct ConsumerStats {
  std::uint64_t received = 0;      ///< events handed to the handler
  std::uint64_t lost = 0;          ///< events that gaps told of
  std::uint64_t unknown_gaps = 0;  ///< gaps of which nobody knows how many events were in them
  std::uint64_t mismatched = 0;    ///< of those received: did not unpack to the handler's type
  std::uint64_t malformed = 0;     ///< links ended because what came was not the protocol
  std::uint64_t passed_over = 0;   ///< events that had been handled before, and did not reach the handler
  Time at = Clock::now();          ///< when it was asked: a rate is the difference of two
  DropCounts mismatches = {};      ///< (topic, producer) -> events
  std::vector<State> states = {};  ///< of each subscription, as listed in the options
};

/// Of a publishing side, since it started.
struct ProducerStats {
  std::uint64_t ingested = 0;     ///< events taken
  std::uint64_t outstanding = 0;  ///< taken, and not acknowledged by all who selected them, or never offered to anybody
  /// How long the oldest of these has been waiting; an eighth of the Node's liveness too small at most.
  Duration oldest{};
  std::uint64_t dropped = 0;  ///< that somebody selected and did not get
  /// (topic, reason) -> events. What a program that ingests from elsewhere could not deliver has the topic ""; if that
  /// program does not know how many events those were, they count as one.
  DropCounts drops = {};
  std::uint64_t refused = 0;        ///< offered from elsewhere, and answered with no
  std::uint64_t malformed = 0;      ///< messages that were not of the protocol
  std::uint64_t wrong_version = 0;  ///< peers turned away because they speak another version of the protocol
  std::uint64_t buffered_bytes = 0;
  Time at = Clock::now();  ///< when it was asked: a rate is the difference of two
  std::vector<LinkInfo> subscribers = {};
};

}  // namespace galena
