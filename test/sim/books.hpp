// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "complaint.hpp"
#include "content.hpp"
#include "galena/core/inlet.hpp"
#include "galena/core/message.hpp"
#include "galena/core/outlet.hpp"
#include "plan.hpp"

namespace galena::sim {

struct Holder;
struct Reading;

/// What one life of a producer or relay has appended.
struct Stream {
  struct Event {
    std::uint8_t topic = 0;
    Content content;
  };
  std::size_t number = 0;
  std::size_t stage = 0;
  const OutletPlan* plan = nullptr;
  Time created;
  std::vector<Event> events = {};
  std::vector<std::pair<Holder*, Reading*>> readings = {};
  bool dead = false;                          ///< its process is gone, or it has ended
  bool drained = false;                       ///< it has ended, and nobody was owed anything
  bool offered = false;                       ///< somebody has subscribed
  std::map<const Holder*, bool> claims = {};  ///< who has subscribed, and not left since
};

/// Which lives of a holder have handled an event.
struct Handled {
  std::uint32_t first = 0;   ///< the earliest of them
  std::uint64_t link = 0;    ///< the earliest of the links that it came over, as the outlets accepted them
  std::uint64_t number = 0;  ///< of the event, over all that the reading handled
  std::uint32_t latest = 0;  ///< the latest life of the holder at that time: those that begin later can know of it
  std::vector<std::uint32_t> again = {};  ///< other lives that could not know

  void add(std::uint32_t life, std::uint64_t over) {
    link = std::min(link, over);
    if (!known_to(life)) again.push_back(std::max(first, life));
    first = std::min(first, life);
  }

  bool known_to(std::uint32_t life) const {
    return life == first || life > latest || std::find(again.begin(), again.end(), life) != again.end();
  }
};

/// What one holder of a subscription knows of one stream.
struct Reading {
  struct Told {
    std::uint64_t from = 0;
    std::uint64_t upto = 0;
    std::optional<std::uint64_t> count;
    std::uint32_t life = 0;     ///< who was told
    std::uint64_t handled = 0;  ///< events of the reading, by then
  };
  Stream* stream = nullptr;
  std::uint64_t begin = 0;      ///< from here on everything selected is owed
  std::uint64_t next = 0;       ///< below this everything is accounted for
  std::uint64_t held_from = 0;  ///< what lies below is not held for it: its place had been given up
  std::uint64_t offers = 0;
  std::uint64_t offered_at = 0;  ///< the stream's next position then
  bool cached = false;           ///< what lies below that is not held for it: as much as is still there
  std::uint32_t lives = 0;
  bool confirmed = false;  ///< it has heard that it was accepted
  bool simple = false;     ///< what its link has selected can be told exactly
  bool present = false;    ///< the outlet has a link or a place for it
  bool given_up = false;   ///< not always
  Time last_linked;
  bool left = false;                     ///< on purpose
  bool ended = false;                    ///< it was told that nothing follows
  std::uint32_t known_to = 0;            ///< the latest life that was accepted
  std::set<std::uint32_t> knowers = {};  ///< living: they were accepted, or read of it in a position store
  bool memory_lost = false;              ///< nobody remembers that it had a place in this stream
  bool foreign_told = false;             ///< it was told that an unknown number of events of this stream is lost
  std::uint64_t excused = 0;             ///< what lies below was lost without anybody left to be told
  std::uint64_t handled = 0;             ///< events
  std::unordered_map<std::uint64_t, Handled> positions = {};  ///< and which
  std::set<std::uint64_t> handed_on =
      {};                    ///< positions that those who left before it came have handled, or were told of
  std::uint64_t passed = 0;  ///< events passed over
  /// Of these, so many may be from before this holder came to the stream of whoever had the name before, of which it
  /// handled what is later: it passes them over and is not owed them. Only where no places are held.
  std::uint64_t not_owed = 0;
  std::set<std::uint64_t> excuses = {};  ///< positions for which that was taken
  std::uint64_t counted = 0;             ///< events selected from begin on, of the positions below counted_upto
  std::uint64_t counted_upto = 0;
  std::vector<Told> gaps = {};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> sent_gaps = {};  ///< whether they arrive or not
};

/// Who takes up a subscription one after the other: an identity or a position store, else one process alone.
struct Holder {
  std::string name;
  const SubscriptionPlan* plan = nullptr;
  std::map<std::size_t, Reading> readings = {};  ///< by the stream's number
  std::unordered_map<Content, Handled, ContentHash> contents = {};
  std::uint32_t life = 0;  ///< the latest
  bool gone = false;       ///< nobody will take it up any more
  bool left = false;       ///< it has left on purpose, at least once
};

/// The ledger of one connection.
struct LinkBook {
  Holder* holder = nullptr;
  std::uint32_t life = 0;
  Stream* stream = nullptr;
  std::uint64_t number = 0;  ///< among all that were accepted, by any outlet
  bool resumes = false;      ///< it said where it stood
  core::Credit limit = {};   ///< as the outlet was told it
  core::Credit sent = {};
  std::uint64_t acknowledged = 0;                 ///< as the outlet was told it
  std::deque<std::uint64_t> unacknowledged = {};  ///< bytes sent up to and with each of these events
  std::uint64_t acknowledged_bytes = 0;
  bool left = false;                       ///< the consumer has said that it is over
  std::uint64_t done = 0;                  ///< deliveries the consumer is done with
  std::uint64_t said = 0;                  ///< of these it has acknowledged
  std::optional<std::uint64_t> last = {};  ///< position handled
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> outputs = {};  ///< of a relay, by delivery from 0
};

/// The checkers: what was appended where, who has handled what and how often, what was told. That is compared with what
/// the library says and does. Asked of the library are only where an accepted link begins, which links an outlet has,
/// and whether it is drained.
class Books {
 public:
  explicit Books(const Plan& plan) : plan_(plan) {}

  Stream& open_stream(std::size_t stage, Id id, Time now);
  void note_append(Stream& stream, std::uint64_t position, std::uint8_t topic, const Content& content);
  /// A life begins, with the place `remembered` from before if there is one.
  Holder& begin_life(const SubscriptionPlan& subscription, std::uint32_t life,
                     const std::optional<core::Place>& remembered);
  void end_life(Holder& holder, std::uint32_t life);

  /// What a consumer says, as it leaves it; `relay` if it acknowledges late.
  void note_said(LinkBook& link, const core::Grant& grant, const Stream* relay, Time now);
  /// What arrives at the outlet.
  void note_arrived(LinkBook& link, const core::Message& message);
  /// What the outlet sends.
  void record_sent(LinkBook& link, std::string_view frame, Time now);

  /// `has_memory` if it was in this stream before, and knows.
  void note_accepted(LinkBook& link, const core::Place& at, bool has_memory);
  void note_told(LinkBook& link, const Gap& gap);
  void note_handled(LinkBook& link, const EventView& event);
  void note_passed_over(LinkBook& link, std::uint64_t events);
  void note_ended(LinkBook& link);

  /// After each step of whoever has the outlet.
  void check_outlet(Stream& stream, const core::Outlet& outlet, Time now);
  /// Everything has come to rest.
  void check_rest(const core::Outlet& outlet) const;
  void check_end() const;

  const std::vector<std::unique_ptr<Stream>>& streams() const { return streams_; }

 private:
  struct Expected {
    Content content;
    std::uint8_t topic = 0;
  };

  Stream* find_stream(const Id& id) const;
  void note_offer(LinkBook& link, const core::Accept& accept, Time now);
  void check_releasable(const Stream& relay, std::uint64_t position, Time now) const;
  bool was_settled(const Holder& holder, const Reading& reading, std::uint64_t position) const;
  bool is_done(const Holder& holder, const Reading& reading, std::uint64_t position) const;
  void check_reading(const Holder& holder, const Reading& reading) const;
  void check_counts(const Holder& holder, const Reading& reading) const;
  std::vector<Expected> expected(std::size_t stage) const;

  const Plan& plan_;
  std::uint64_t links_ = 0;  // accepted so far
  std::vector<std::unique_ptr<Stream>> streams_;
  std::map<Id, Stream*> by_id_;
  std::map<std::string, std::unique_ptr<Holder>> holders_;
};

}  // namespace galena::sim
