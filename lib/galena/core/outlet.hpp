// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "galena/core/buffer.hpp"
#include "galena/core/link.hpp"
#include "galena/core/message.hpp"
#include "galena/core/parcel.hpp"
#include "galena/core/place.hpp"
#include "galena/core/subscription.hpp"
#include "galena/id.hpp"
#include "galena/stats.hpp"
#include "galena/time.hpp"

namespace galena::core {

/// How many events may still be published before the subscribers have no credit left for them: what their links have
/// granted, less what waits to be sent to them. Selections are not looked at: each counts as if it selected everything.
struct OpenCredit {
  std::uint64_t smallest = 0;  ///< of one subscription: publish no more, and each can be sent all of it at once
  std::uint64_t largest = 0;   ///< of one subscription: publish no more, or it has to wait for a grant
  std::uint64_t total = 0;     ///< of all; at most 2^64 - 1
  friend bool operator==(const OpenCredit&, const OpenCredit&) = default;
};

/// The publishing half of a stage: a buffer, the subscriptions to it, and the links that carry them. Pure: it is told
/// what happened and when (handle_*), and asked what to send (poll). Peers are whatever the transport calls them.
///
/// A subscription with no link is away: it keeps its place for `hold`. Per link, always: acknowledged <= sent <= limit,
/// in deliveries; an event may start while less than the limit was sent, in deliveries and in bytes.
class Outlet {
 public:
  struct Options {
    Id stage = {};
    Id stream = {};
    Buffer::Options buffer = {};
    Duration silence = std::chrono::seconds(10);   ///< the longest this side is silent; heartbeats come at a quarter
    Duration hold = Duration::zero();              ///< how long a subscription whose link broke keeps its place
    std::vector<std::string> expect = {};          ///< identities that have a place from the start, for that long
    std::uint64_t max_in_flight_bytes = 32 << 20;  ///< per link, whatever it grants
    std::uint64_t max_selection_bytes = 64 << 20;  ///< of the topics that all subscriptions select
  };
  using Answer = Buffer::Answer;
  /// So many places are held at a time: strangers have no credit.
  static constexpr std::size_t max_places = 10'000;

  explicit Outlet(Options options, Time now = {});
  ~Outlet();

  /// Takes an event, for everybody who selects it. Places that are held for those who are away make nobody wait, unless
  /// they have an identity. `from` says what the event was made of, if it was.
  Answer append(const EventView& event, const Provenance* from = nullptr) {
    const Answer answer = buffer_.append(event, from);
    return answer == Answer::full ? append_instead(event, from) : answer;
  }

  /// Takes all of the events, or none of them.
  Answer append_all(std::span<const EventView> events) {
    Answer answer = buffer_.append_all(events);
    while (answer == Answer::full && give_up_oldest_place()) answer = buffer_.append_all(events);
    return answer;
  }

  /// See Buffer::adopt(). The same holds for places.
  Answer adopt(Segment* segment, std::uint32_t count) {
    Answer answer = buffer_.adopt(segment, count);
    while (answer == Answer::full && give_up_oldest_place()) answer = buffer_.adopt(segment, count);
    return answer;
  }

  /// A message from a peer: Subscribe, Grant, Cancel or OtherVersion. Anything else cancels the link.
  void handle(const std::string& peer, const Message& message, Time now);
  /// What came from the peer could not be read, or was not expected then: `why`, for people.
  void handle_malformed(const std::string& peer, const std::string& why);
  /// The transport cannot reach the peer any more.
  void handle_gone(const std::string& peer, Time now);
  /// Drops links that were silent for too long, and says something on those where this side was. Call it at least four
  /// times within the silence.
  void handle_time(Time now);

  /// Something is worth a poll().
  bool wants_poll() const { return buffer_.has_dirty() || !control_.empty(); }
  /// Appends what is to be sent now, in order per peer.
  void poll(std::vector<Parcel>& out, Time now);
  /// Events may be held back until then, and no longer: poll() at that time. Nothing is held back if it is empty.
  std::optional<Time> due() const {
    return held_back_.empty() ? std::nullopt : std::optional(held_back_.front().until);
  }

  /// The next poll() holds nothing back.
  void flush();

  /// Nothing more will be appended: tells all subscribers, those to come as well.
  void drain();
  /// Tells every subscriber that the stream ends here, or, with a reason, why the stage stops; and forgets them.
  void end();
  void cancel_all(std::string_view why, std::string_view detail);

  bool has_link(const std::string& peer) const { return links_.contains(peer); }
  std::size_t subscribers() const { return links_.size(); }
  /// Everything that was appended has been offered, and everything selected has been acknowledged, by those
  /// who are away as well: they may come back until their place is given up.
  bool drained() const;
  /// Selected and not acknowledged yet, over all links, and what nobody was offered.
  std::uint64_t outstanding() const;
  /// All subscriptions with an identity, those expected as well, have acknowledged (or were told to miss) everything
  /// that they select below this position; and there is nothing below it that nobody was offered.
  std::uint64_t acknowledged_upto() const;
  /// The same for all subscriptions: below this position nothing is outstanding.
  std::uint64_t outstanding_from() const;
  /// Of the subscriptions that have a link; nothing if there is none.
  OpenCredit open_credit() const;
  /// Something other than append() and poll() may have changed open_credit() since this was last asked: a grant, or a
  /// subscriber that came or went.
  bool take_credit_changed() { return std::exchange(credit_changed_, false); }
  std::vector<LinkInfo> links() const;
  /// Messages that could not be read, since the start.
  std::uint64_t malformed() const { return malformed_; }
  /// Peers that were turned away because they speak no version of the protocol that this side speaks, since the start.
  std::uint64_t wrong_version() const { return wrong_version_; }
  /// What became of a subscription, and how it stood then. The reason is one of core::reason, or empty.
  struct Change {
    LinkInfo subscriber;
    SubscriberChange change;
    std::string reason;
  };
  /// The changes since this was last asked.
  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
  /// What happened since this was last asked, in words.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }
  /// The same for what somebody should look into. Of many of one kind it tells the first, second, fourth, and so on.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

  Buffer& buffer() { return buffer_; }
  const Buffer& buffer() const { return buffer_; }
  const Options& options() const { return options_; }

 private:
  /// Holds everything for an identity that is expected.
  struct Expected {
    Cursor place;
    Time since;
  };

  /// A link whose small batches wait for others.
  struct HeldBack {
    Time until;
    Link* link;
  };

  std::string key_of(const Subscribe& wish);
  Link* link_of(const std::string& peer) const;
  Answer append_instead(const EventView& event, const Provenance* from);
  std::uint64_t owed_to_away() const;
  std::uint64_t acknowledged_upto(bool by_all) const;
  void subscribe(const std::string& peer, const Subscribe& wish, Time now);
  bool has_room_for(const std::string& peer, const Subscribe& wish);
  bool give_way(const std::string& peer, const Subscribe& wish, Subscription& before, Time now);
  bool resume(const std::string& peer, const Subscribe& wish, Subscription& subscription, Time now);
  std::uint64_t move(Subscription& subscription, const Place& wished, std::uint64_t view_begins);
  void begin(const std::string& peer, std::string key, const Subscribe& wish, Time now);
  Link& accept(const std::string& peer, Subscription& subscription, const Subscribe& wish, const Place& at,
               const Place& repeated, Time now);
  void refuse_version(const std::string& peer, const Versions& theirs);
  void release_acknowledged(Subscription& subscription);
  void grant(Link& link, const Grant& told);
  Subscription* end_link(Link& link);
  void lose(Link& link, std::string_view why, Time now);
  void drop(Link& link, std::string_view why);
  void forget(Subscription& subscription, std::string_view why);
  bool give_up_oldest_place();
  void give_up_all_places();
  void cancel(std::string peer, std::string_view why, const std::string& detail);
  void control(std::string peer, std::string bytes);
  void tell_unsent(const Link& link);
  Parcel lose_for_size(const std::string& peer, Time now);
  void end_holding_back(Time now);
  std::string describe(const Subscription& subscription) const;
  void record_change(const Subscription& subscription, SubscriberChange change, std::string_view why = {});

  Options options_;
  Buffer buffer_;
  std::unordered_map<std::string, std::unique_ptr<Subscription>> subscriptions_;  // by key
  std::unordered_map<std::string, std::unique_ptr<Link>> links_;                  // by peer
  std::map<std::uint64_t, Subscription*> away_;                                   // in the order in which they left
  std::map<std::string, std::unique_ptr<Expected>> expected_;                     // by identity
  std::uint64_t nameless_ = 0;                                                    // subscriptions, so far
  std::uint64_t left_ = 0;                                                        // and those that went away
  std::deque<HeldBack> held_back_;  // each link once, in the order in which they began to
  std::vector<Parcel> control_;
  bool draining_ = false;
  bool credit_changed_ = false;
  std::uint64_t malformed_ = 0;
  std::uint64_t wrong_version_ = 0;
  std::uint64_t too_large_ = 0;  // links that ended because of an event that their subscribers do not take
  std::vector<std::string> notes_;
  std::vector<Change> changes_;
  std::vector<std::string> warnings_;
};

}  // namespace galena::core
