// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "galena/base/versions.hpp"
#include "galena/core/place.hpp"
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

/// Of an identity, and of a consumer's name.
inline constexpr std::size_t max_name_bytes = 255;

/// Of a side that does not say how long it may be silent.
inline constexpr Duration default_silence = std::chrono::seconds(10);
/// What is made of the silence that the other side tells: neither too short for anything to arrive, nor for ever.
inline Duration sane_silence(Duration told) {
  return std::clamp<Duration>(told, std::chrono::milliseconds(10), std::chrono::hours(1));
}

/// A limit on what may be sent, counted from the start of the link: absolute, so that saying it twice is harmless.
struct Credit {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Credit&, const Credit&) = default;
};

/// Subscriber to publisher, first: what it wants and what may be sent right away.
struct Subscribe {
  Id stage;                 ///< whom it wants to talk to; none: whoever answers
  Id subscription;          ///< the consumer's own number for it, the same in each of its attempts
  std::uint64_t epoch = 0;  ///< goes up with each attempt: a later one takes the place of an earlier one
  std::string consumer;     ///< its name, for people; may be empty
  Selection selection;
  Credit credit;
  Duration silence = default_silence;  ///< the longest this side will be silent while it lives
  std::optional<Place> resume = {};    ///< where it stood when its last link ended; empty: it is new
  /// The same for all who take up this subscription one after the other. Empty: nobody will.
  std::string identity = {};
  Id consumer_stage = {};  ///< the stage that subscribes, so that accounts can tell who reads from whom; may be none
  Versions versions = spoken_versions;
};

/// Publisher to subscriber: the subscription stands.
struct Accept {
  Id stage;
  Place place;  ///< what comes lies behind it
  Duration silence = default_silence;
  std::optional<Place> repeated = {};              ///< events below it were sent to this subscription before
  std::uint64_t version = spoken_versions.newest;  ///< of the link: the newest that both sides speak
};

/// Subscriber to publisher: everything up to delivery `acknowledged` is done with; up to `limit` may be sent. Said
/// again and again as a heartbeat.
struct Grant {
  std::uint64_t acknowledged = 0;
  Credit limit;
};

/// Publisher to subscriber: there is nothing more below `upto`. A heartbeat.
struct Mark {
  std::uint64_t upto = 0;
};

/// Publisher to subscriber: it takes nothing in any more, and ends when what lies below `upto` is acknowledged.
struct Draining {
  std::uint64_t upto = 0;
};

/// Publisher to subscriber: the stream ends at `upto`, on purpose.
struct End {
  std::uint64_t upto = 0;
};

/// Either way: this link is over.
struct Cancel {
  std::string reason;  ///< a word that programs compare: see reason below
  std::string detail;  ///< for people
};

/// Publisher to a producer elsewhere, first: "take events from me" (ingest). The producer answers with Subscribe.
struct Offer {
  Id stage;      ///< whom it wants to talk to
  Id publisher;  ///< who asks
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

/// Anybody to publisher: how do your subscriptions stand? The answer is a report, see report.hpp.
struct Inquire {
  Versions versions = spoken_versions;
};

/// What decode() makes of a Subscribe, Accept, Offer or Inquire from a peer that speaks none of spoken_versions: the
/// rest of the message is not read. The answer is a Cancel with reason::version.
struct OtherVersion {
  Versions versions;
};

namespace reason {
inline constexpr std::string_view wrong_stage = "wrong-stage";    ///< the endpoint is somebody else's by now
inline constexpr std::string_view unknown = "unknown";            ///< no such link (any more): subscribe again
inline constexpr std::string_view malformed = "malformed";        ///< what came was not this protocol
inline constexpr std::string_view version = "version";            ///< the two sides speak no common version
inline constexpr std::string_view credit = "credit";              ///< more was sent than was granted
inline constexpr std::string_view acknowledge = "acknowledge";    ///< more was acknowledged than was sent
inline constexpr std::string_view silent = "silent";              ///< nothing was heard for too long
inline constexpr std::string_view cancelled = "cancelled";        ///< on purpose
inline constexpr std::string_view away = "away";                  ///< it will be back, or another of its identity
inline constexpr std::string_view superseded = "superseded";      ///< a later one has the identity now
inline constexpr std::string_view stopped = "stopped";            ///< the stage stops, its handler failed
inline constexpr std::string_view not_accepted = "not-accepted";  ///< this stage does not take what was offered
inline constexpr std::string_view full = "full";                  ///< of a gap: the buffer was full
inline constexpr std::string_view evicted = "evicted";            ///< of a gap: not kept for so long
inline constexpr std::string_view lost = "lost";                  ///< of a gap: a broken link, or a publisher that died
}  // namespace reason

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

/// Empty for anything that PROTOCOL.md does not allow. Unknown fields of the maps are skipped.
std::optional<Message> decode(std::string_view frame);

}  // namespace galena::core
