// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "galena/core/buffer.hpp"
#include "galena/core/link.hpp"
#include "galena/core/message.hpp"
#include "galena/core/parcel.hpp"
#include "galena/id.hpp"
#include "galena/stats.hpp"
#include "galena/time.hpp"

namespace galena::core {

/// The publishing half of a stage: a buffer, and a link with credit for each subscription to it. Pure: it is told what
/// happened and when (handle_*), and asked what to send (poll). Peers are whatever the transport calls them.
///
/// Per link, always: acknowledged <= sent <= limit, in deliveries; an event may start while less than the limit was
/// sent, in deliveries and in bytes.
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

  /// A message from a peer: Subscribe, Grant or Cancel. Anything else cancels the link.
  void handle(const std::string& peer, const Message& message, Time now);
  /// What came from the peer could not be read.
  void handle_malformed(const std::string& peer);
  /// The transport cannot reach the peer any more.
  void handle_gone(const std::string& peer, Time now);
  /// Drops links that were silent for too long, and says something on those where this side was. Call it at least four
  /// times within the silence.
  void handle_time(Time now);

  /// Something is worth a poll().
  bool wants_poll() const { return buffer_.has_dirty() || !control_.empty(); }
  /// Appends what is to be sent now, in order per peer.
  void poll(std::vector<Parcel>& out, Time now);

  /// Nothing more will be appended: tells all subscribers, those to come as well.
  void drain();
  /// Tells every subscriber that the stream ends here, or, with a reason, why the stage stops; and forgets them.
  void end();
  void cancel_all(std::string_view why, std::string_view detail);

  /// How many events the link of this peer may be sent beyond those that it is going to be; 0 if there is none.
  std::uint64_t may_start(const std::string& peer) const;
  bool has_link(const std::string& peer) const { return links_.contains(peer); }
  std::size_t subscribers() const { return links_.size(); }
  /// Everything that was appended has been offered, and everything selected has been acknowledged, by those
  /// who are away as well: they may come back until their place is given up.
  bool drained() const;
  /// Selected and not acknowledged yet, over all links, and what nobody was offered.
  std::uint64_t outstanding() const;
  /// All subscriptions with an identity, those expected as well, have acknowledged (or were told to miss) everything
  /// that they select below this position; and there is nothing below it that nobody was offered.
  std::uint64_t settled_upto() const;
  std::vector<LinkInfo> links() const;
  /// Messages that could not be read, since the start.
  std::uint64_t malformed() const { return malformed_; }
  /// What happened since this was last asked, in words.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

  Buffer& buffer() { return buffer_; }
  const Buffer& buffer() const { return buffer_; }
  const Options& options() const { return options_; }

 private:
  using Links = std::unordered_map<std::string, std::unique_ptr<Link>>;

  /// Holds everything for an identity that is expected.
  struct Expected {
    Cursor place;
    Time since;
  };

  Answer append_instead(const EventView& event, const Provenance* from);
  std::uint64_t owed_to_away() const;
  void subscribe(const std::string& peer, const Subscribe& wish, Time now);
  bool give_way(const std::string& peer, const Subscribe& wish, Time now);
  bool resume(const std::string& peer, const Subscribe& wish, Time now);
  void begin(const std::string& peer, const Subscribe& wish, Time now);
  void accept(const Link& link, Point at, Point repeated);
  void grant(Link& link, const Grant& told);
  void lose(const std::string& peer, std::string_view why, Time now);
  void drop(const std::string& peer, std::string_view why);
  void forget(Link& link, std::string_view why);
  bool give_up_oldest_place();
  void give_up_all_places();
  void hold_place(Link& link);
  void cancel(std::string peer, std::string_view why, const std::string& detail);
  void control(std::string peer, std::string bytes);
  std::uint64_t told_upto(const Link& link) const;
  void tell_unsent(const Link& link);
  std::string describe(const Link& link) const;

  Options options_;
  Buffer buffer_;
  Links links_;                                                // by peer
  Links away_;                                                 // by key()
  std::map<std::string, std::unique_ptr<Expected>> expected_;  // by identity
  std::unordered_map<const Cursor*, Link*> by_cursor_;         // of links_
  std::vector<Parcel> control_;
  bool draining_ = false;
  std::uint64_t malformed_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace galena::core
