// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "galena/base/add_capped.hpp"
#include "galena/core/buffer.hpp"
#include "galena/core/cursor.hpp"
#include "galena/core/gaps.hpp"
#include "galena/core/link.hpp"
#include "galena/core/message.hpp"
#include "galena/core/place.hpp"
#include "galena/core/scan.hpp"
#include "galena/stats.hpp"
#include "galena/time.hpp"

namespace galena::core {

/// What a consumer wants from this producer, and what was done about it over any number of links: one after the other,
/// or several at a time that share the work. A link that is lost hands back what it had in flight, and that is sent
/// again over the next link that has credit, marked as repeated.
///
/// Invariant: selected = acknowledged + in flight over all links + waiting to be sent (again) + dropped.
class Subscription {
 public:
  Subscription(std::string named, const Subscribe& wish, const Id& stream)
      : key(std::move(named)), identity(wish.identity), sent_before{.stream = stream} {
    take_holder(wish);
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// The link is over: what it did not acknowledge is to be sent again, as far as it is still there.
  void hand_back(Link& link);
  /// A consumer takes it up again, and has handled `passed` events more than was known. REQUIRES: it has no link.
  void resume(const Subscribe& wish, std::uint64_t passed);
  /// The consumer stands only `events` events within the next item, though it acknowledged more of it: those come again
  /// if they are there.
  void go_back_within(std::uint64_t events);
  /// What is acknowledged need not be held for it any more.
  void release_acknowledged(Buffer& buffer);

  void record_acknowledged(std::uint64_t events) { acknowledged_ += events; }
  /// A grant came over one of its links. False, and nothing happens, if more is acknowledged than was sent.
  bool handle_grant(Link& link, const Grant& grant);
  void record_scanned(std::uint64_t events) { scan_selected_ += events; }

  /// There is something that only a scan can find. It is read over one link at a time, because its pieces cannot be
  /// found again one by one.
  bool is_scanning() const { return scan && !scan->finished(); }
  bool may_scan(const Link& link) const;
  /// All of the scan has been sent, and acknowledged.
  bool scan_is_done() const;

  /// What it is sent next lies behind this. (What was handed back, and is kept apart, may lie below.)
  Place place() const;
  /// What is sent over `link` from here on, and was sent before, must say so: all that lies below this.
  Place to_be_marked(const Link& link) const {
    return link.told_repeated < sent_before ? sent_before : Place{.stream = sent_before.stream};
  }
  /// Nothing more from below this position will be sent over `link`. `next`: that of the next event to be published.
  std::uint64_t told_upto(const Link& link, std::uint64_t next) const;
  /// Everything that it selects below this position is acknowledged, or told as lost.
  std::uint64_t acknowledged_upto() const;
  /// From this position on, and up to where it stands, nothing that a scan found is acknowledged.
  std::uint64_t scan_acknowledged_upto() const { return scan_acknowledged_upto_; }
  /// It has been sent all there is, and has acknowledged it.
  bool idle() const;

  /// Events selected since it subscribed, over all its links; the same for the others.
  std::uint64_t selected() const { return cursor.selected() + scan_selected_; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t in_flight() const;
  /// Selected, and neither acknowledged nor told to be dropped.
  std::uint64_t owed() const { return selected() - cursor.dropped - acknowledged_; }
  /// What its links may still be sent, less what waits for that.
  std::uint64_t open_credit() const;
  /// How it stands, for people.
  LinkInfo info() const;
  /// The consumer that has it now acknowledged something: it must know where it stands.
  bool holder_acknowledged() const { return acknowledged_ > acknowledged_by_others_; }

  const std::string key;       ///< what tells it from all others
  const std::string identity;  ///< of those who take it up one after the other; may be empty
  Id holder;                   ///< the consumer's own number for it, of the consumer that has it now
  std::uint64_t epoch = 0;     ///< of that consumer's last attempt
  std::string consumer;        ///< the name of its stage, for people
  Id consumer_stage;           ///< and the id of that stage
  std::vector<Link*> links;    ///< none: it is away
  std::optional<Time> away_since = {};
  std::uint64_t away_number = 0;         ///< how many had gone away then
  Place sent_before;                     ///< over links that are over, it was sent what lies below
  std::uint64_t acknowledged_below = 0;  ///< the highest position at which it was taken up: below, nothing is owed
  UnheardGaps unheard = {};              ///< gaps told over links that are over
  GapCounter lost = {};                  ///< events that were told as a gap when it was taken up again
  Cursor cursor;
  std::unique_ptr<Scan> scan = {};  ///< what comes before the cursor

 private:
  void take_holder(const Subscribe& wish);
  void hand_back_scanned(const Link& link);
  std::uint64_t needed_from() const;

  std::uint64_t acknowledged_ = 0;
  std::uint64_t acknowledged_by_others_ = 0;  // of these, by consumers that had it before
  std::uint64_t scan_acknowledged_upto_ = 0;
  std::uint64_t scan_selected_ = 0;  // events that scans found
};

}  // namespace galena::core
