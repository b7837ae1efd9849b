// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "galena/base/versions.hpp"
#include "galena/core/place.hpp"
#include "galena/core/reason.hpp"
#include "galena/gap.hpp"
#include "galena/id.hpp"
#include "galena/selection.hpp"
#include "galena/time.hpp"

/// The control messages between a publisher and a subscriber, one frame each: a MessagePack array [verb, ...]. Their
/// grammar is PROTOCOL.md's. Events travel as batches, see batch.hpp.
namespace galena::core {

/// The versions of the protocol that this side speaks. Until a link is agreed on, a side writes in its oldest one.
inline constexpr Versions spoken_versions{1, 1};
/// A longer control message is refused unread.
inline constexpr std::size_t max_message_bytes = 4 << 20;

/// A selected topic is written as [kind, text].
inline constexpr std::string_view exact_kind = "exact";
inline constexpr std::string_view prefix_kind = "prefix";
/// A subscription selects so many topics at most, of so many bytes in all.
inline constexpr std::size_t max_selected_topics = 100'000;
inline constexpr std::size_t max_selected_bytes = 3 << 20;

/// Of a subscriber that takes events of any size.
inline constexpr std::uint64_t no_largest_event = std::numeric_limits<std::uint64_t>::max();

/// The longest identity, and the longest name of a consumer.
inline constexpr std::size_t max_name_bytes = 255;

/// The silence of a side that does not say how long it may be silent.
inline constexpr Duration default_silence = std::chrono::seconds(10);
/// Bounds the silence that a peer announces: not so short that nothing could arrive in time, and not for ever.
inline Duration sane_silence(Duration told) {
  return std::clamp<Duration>(told, std::chrono::milliseconds(10), std::chrono::hours(1));
}

/// How much may be sent, counted from the start of the link. Because it is absolute, saying it twice is harmless.
struct Credit {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Credit&, const Credit&) = default;
};

/// Subscriber to publisher, first: which events it wants, and how many may be sent right away.
struct Subscribe {
  Id stage;                 ///< the stage that must answer; none: any stage may
  Id subscription;          ///< the consumer's id for this subscription, the same over all its links
  std::uint64_t epoch = 0;  ///< goes up with each link: a later one replaces an earlier one
  std::string consumer;     ///< its name, for people; may be empty
  Selection selection;
  Credit credit;
  Duration silence = default_silence;  ///< this side is never silent for longer while it lives
  std::optional<Place> resume = {};    ///< where it stood when its last link ended; empty: it is new
  /// Consumers with the same identity take over this subscription one after the other. Empty: no other consumer may.
  std::string identity = {};
  Id consumer_stage = {};  ///< the stage that subscribes, so that accounts can tell who reads from whom; may be none
  Versions versions = spoken_versions;
  std::uint64_t largest_event = no_largest_event;  ///< it takes no larger one: topic and payload
};

/// Publisher to subscriber: the subscription is accepted.
struct Accept {
  Id stage;
  Place place;  ///< events are sent from here on
  Duration silence = default_silence;
  std::optional<Place> repeated = {};              ///< events below it were sent before, to this subscription
  std::uint64_t version = spoken_versions.newest;  ///< of the link: the newest that both sides speak
};

/// Subscriber to publisher: deliveries up to number `acknowledged` are handled; up to `limit` may be sent. Repeated as
/// a heartbeat.
struct Grant {
  std::uint64_t acknowledged = 0;
  Credit limit;
};

/// Publisher to subscriber: no more events come from below position `upto`. A heartbeat.
struct Mark {
  std::uint64_t upto = 0;
};

/// Publisher to subscriber: it accepts no more events, and ends when everything below position `upto` is acknowledged.
struct Draining {
  std::uint64_t upto = 0;
};

/// Publisher to subscriber: the stream ends at position `upto`, on purpose.
struct End {
  std::uint64_t upto = 0;
};

/// From either side: this link is over.
struct Cancel {
  std::string reason;  ///< for programs: see the namespace `reason` below
  std::string detail;  ///< for people
  /// With reason::superseded: the epoch of the consumer that has the identity. If that lies in the future of a consumer
  /// that was never accepted, their clocks differ: the new one may try again with a higher epoch.
  std::uint64_t epoch = 0;
};

/// Publisher to a producer elsewhere, first: "take events from me" (ingest). The producer answers with Subscribe.
struct Offer {
  Id stage;      ///< the stage that must answer; none: any stage may
  Id publisher;  ///< the id of the client
  Id stream;
  bool values = false;  ///< the payloads are values for the producer's handle_produce; topics are empty
  Duration silence = default_silence;
  Versions versions = spoken_versions;
};

/// Subscriber (a producer that takes events from elsewhere) to publisher: delivery `number` (from 1) was not accepted.
struct Refuse {
  std::uint64_t number = 0;
  std::string detail;
};

/// Anybody to publisher: asks for its accounts. The answer is a Report, see report.hpp.
struct Inquire {
  Versions versions = spoken_versions;
};

/// What decode() makes of a Subscribe, Accept, Offer or Inquire from a peer that speaks none of spoken_versions: the
/// rest of the message is not read. The answer is a Cancel with reason::version.
struct OtherVersion {
  Versions versions;
};

using Message =
    std::variant<Subscribe, Accept, Grant, Gap, Mark, Draining, End, Cancel, Offer, Refuse, Inquire, OtherVersion>;

std::string encode(const Subscribe& message);
std::string encode(const Accept& message);
std::string encode(const Grant& message);
std::string encode(const Gap& message);
std::string encode(const Mark& message);
std::string encode(const Draining& message);
std::string encode(const End& message);
std::string encode(const Cancel& message);
std::string encode(const Offer& message);
std::string encode(const Refuse& message);
std::string encode(const Inquire& message);

/// Of the topics, without what the encoding adds.
std::uint64_t selected_bytes(const Selection& selection);

/// Empty for anything that PROTOCOL.md does not allow. Unknown fields of the maps are skipped.
std::optional<Message> decode(std::string_view frame);
/// Of a frame that decode() does not read: which key is wrong, and what was expected, for people. Of one that it reads:
/// that the message came when it must not.
std::string why_malformed(std::string_view frame);

}  // namespace galena::core
