// SPDX-License-Identifier: Apache-2.0
#include "galena/core/link.hpp"

#include <utility>

#include "galena/base/assert.hpp"

namespace galena::core {
namespace {

/// Whoever takes less is sent events of that size all the same: they may lie in a batch with others. Larger ones are
/// alone in theirs.
constexpr std::uint64_t smallest_largest_event = std::uint64_t{2} * Log::max_batch_bytes;

}  // namespace

Link::Link(std::string at, Subscription& carried, const Id& stream, const Subscribe& wish, std::uint64_t max_in_flight,
           Time now)
    : peer(std::move(at)),
      subscription(carried),
      silence(sane_silence(wish.silence)),
      largest_event(std::max(wish.largest_event, smallest_largest_event)),
      heard(now),
      told(now),
      sent_at(now),
      told_repeated{.stream = stream},
      max_in_flight_bytes_(max_in_flight),
      window_{wish.credit.events, std::min(wish.credit.bytes, max_in_flight)} {
  raise_limit(wish.credit);
}

void Link::record_flight(std::uint64_t events, std::uint64_t bytes, Flight flight) {
  flight.first = sent_.events;
  sent_.events += events;
  sent_.bytes += bytes;
  GALENA_ASSERT(sent_.events <= limit_.events, "more was sent than was granted");
  flight.upto = sent_;
  flight.earliest = flight.run;
  if (flight.scanned) {
    ++scanned_in_flight_;
  } else {
    for (auto before = flights_.rbegin(); before != flights_.rend(); ++before) {
      if (before->scanned) continue;
      if (before->earliest.begin < flight.run.begin) break;
      before->earliest = flight.run;
    }
  }
  flights_.push_back(flight);
  ++unhandled_;
}

std::optional<Link::Acknowledged> Link::handle_grant(const Grant& grant) {
  if (grant.acknowledged > sent_.events) return std::nullopt;
  Acknowledged now;
  if (grant.acknowledged > acknowledged_.events) {
    now.events = grant.acknowledged - acknowledged_.events;
    acknowledged_.events = grant.acknowledged;
  }
  unheard_.handle_acknowledged(acknowledged_.events);
  while (!flights_.empty() && flights_.front().upto.events <= acknowledged_.events) {
    const Flight& flight = flights_.front();
    acknowledged_.bytes = flight.upto.bytes;
    if (flight.scanned) {
      now.scanned_upto = flight.scanned->upto;
      --scanned_in_flight_;
    }
    flights_.pop_front();
  }
  raise_limit(grant.limit);
  return now;
}

/// A limit also says what is handled: a consumer that acknowledges late raises it all the same as it works.
void Link::raise_limit(const Credit& limit) {
  limit_.events = std::max(limit_.events, limit.events);
  limit_.bytes = std::max(limit_.bytes, limit.bytes);
  const std::uint64_t handled = std::max(acknowledged_.events, limit_.events - std::min(limit_.events, window_.events));
  unhandled_ = std::min(unhandled_, flights_.size());
  while (unhandled_ > 0 && flights_[flights_.size() - unhandled_].upto.events <= handled) --unhandled_;
}

}  // namespace galena::core
