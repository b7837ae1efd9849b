// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frames.hpp"
#include "galena/core/inlet.hpp"
#include "galena/core/outlet.hpp"

namespace galena::core::test {

/// One Outlet and several Inlets in one thread, with time and delays made up, and books kept independently of theirs.
/// The caller decides what happens next; after each step the books are compared. A contradiction is an exception with
/// what is wrong in words.
///
/// Every event's payload starts with its position, so that what arrives can be compared with what was appended.
class Loop {
 public:
  struct Wrong {
    std::string what;
  };
  static void require(bool good, const std::string& what) {
    if (!good) throw Wrong{what};
  }

  /// A subscription: an Inlet, the frames on their way to it and from it, and what is known of it.
  struct Consumer {
    std::string name;
    std::string peer;  // of this connection alone, as a ROUTER's routing ids are
    std::unique_ptr<Inlet> inlet;
    Selection selection;
    Demand demand;
    std::uint64_t epoch = 1;
    std::optional<Standing> standing;  // when the last connection broke
    bool subscribed = false;           // its subscribe message has arrived

    std::deque<Parcel> inbound;
    std::deque<std::string> outbound;
    Parcel reading;  // what `inlet` reads just now
    bool in_frame = false;

    std::uint64_t before = 0;  // events handled over connections that are over
    Credit limit;              // what the outlet has been told
    Credit sent;
    std::uint64_t acknowledged = 0;

    bool accepted = false;
    std::uint64_t from = 0;
    std::uint64_t next = 0;  // below this everything is delivered or told
    std::vector<std::uint64_t> delivered;
    std::uint64_t told = 0;  // events, in gaps with a count
    bool told_unknown = false;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps;
  };

  explicit Loop(Outlet::Options options) : options_(options), outlet_(options) {}
  ~Loop() {
    for (auto& [name, consumer] : consumers_) forget(*consumer);
    release(lent_.size());
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Outlet& outlet() { return outlet_; }
  std::map<std::string, std::unique_ptr<Consumer>>& consumers() { return consumers_; }
  std::uint64_t appended() const { return topics_.size(); }
  Time now() const { return now_; }

  Outlet::Answer append(const std::string& topic, std::size_t size) {
    std::string payload(std::max<std::size_t>(size, 8), '.');
    const std::uint64_t position = topics_.size();
    std::memcpy(payload.data(), &position, sizeof position);
    const auto answer = outlet_.append({topic, payload});
    if (answer == Outlet::Answer::accepted) topics_.push_back(topic);
    check();
    return answer;
  }

  /// The same of several events, in memory that the outlet is to pass on as it is. False if it cannot.
  bool adopt(const std::vector<std::string>& topics, std::size_t size) {
    auto memory = std::make_shared<std::string>(batch_header_bytes, '\0');
    for (std::uint64_t position = topics_.size(); const std::string& topic : topics) {
      std::string payload(std::max<std::size_t>(size, 8), '.');
      std::memcpy(payload.data(), &position, sizeof position);
      ++position;
      const EventView event{topic, payload};
      std::string bytes(event_bytes(event), '\0');
      write_event(bytes.data(), event);
      *memory += bytes;
    }
    Segment* const segment = Segment::adopt(memory->data(), static_cast<std::uint32_t>(memory->size()), memory);
    const bool adopted = outlet_.adopt(segment, static_cast<std::uint32_t>(topics.size())) == Outlet::Answer::accepted;
    if (adopted) topics_.insert(topics_.end(), topics.begin(), topics.end());
    if (!adopted) segment->release();
    check();
    return adopted;
  }

  void connect(const std::string& name, const Selection& selection, const Demand& demand) {
    if (consumers_.contains(name)) return;
    auto consumer = std::make_unique<Consumer>();
    consumer->name = name;
    consumer->peer = name + "#" + std::to_string(++connections_);
    consumer->selection = selection;
    consumer->demand = demand;
    subscribe(*consumer);
    consumers_.emplace(name, std::move(consumer));
    check();
  }

  /// The connection breaks and another one follows. Of what was on its way down, the first `arrived` frames had
  /// arrived; what was on its way up is lost. The outlet learns of it from the second connection, or before it if
  /// `noticed`.
  void reconnect(Consumer& consumer, std::size_t arrived, bool noticed) {
    while (handle(consumer, ~std::uint64_t{0}) || (arrived > 0 && deliver_down(consumer))) {
      if (arrived > 0 && consumer.in_frame) --arrived;
    }
    if (noticed) outlet_.handle_gone(consumer.peer, now_);
    forget(consumer);
    consumer.outbound.clear();
    if (consumer.inlet->accepted()) consumer.standing = consumer.inlet->standing();
    consumer.peer = consumer.name + "#" + std::to_string(++connections_);
    ++consumer.epoch;
    consumer.subscribed = false;
    consumer.limit = consumer.sent = {};
    consumer.acknowledged = 0;
    consumer.before = consumer.delivered.size();
    subscribe(consumer);
  }

  /// The connection breaks; what is on its way is lost.
  void disconnect(const std::string& name) {
    const auto it = consumers_.find(name);
    if (it == consumers_.end()) return;
    if (options_.hold == Duration::zero()) {
      outlet_.handle_gone(it->second->peer, now_);
    } else {  // on purpose, or its place would be held
      if (!it->second->subscribed) return;
      outlet_.handle(it->second->peer, Cancel{std::string(reason::cancelled), ""}, now_);
    }
    forget(*it->second);
    consumers_.erase(it);
    check();
  }

  /// The outlet sends what it can.
  void poll() {
    std::vector<Parcel> parcels;
    outlet_.poll(parcels, now_);
    for (Parcel& parcel : parcels) {
      require(starts_with_batch(parcel.view()) ? read_batches(parcel.view()).has_value()
                                               : decode(parcel.view()).has_value(),
              "an outlet sent what nobody can read");
      const auto it = consumers_.find(parcel.peer.substr(0, parcel.peer.find('#')));
      if (it == consumers_.end() || it->second->peer != parcel.peer) {
        if (parcel.segment != nullptr) lent_.push_back(parcel.segment);
        continue;
      }
      record_sent(*it->second, parcel.view());
      it->second->inbound.push_back(std::move(parcel));
    }
    check();
  }

  /// One message of the consumer arrives.
  bool deliver_up(Consumer& consumer) {
    if (consumer.outbound.empty()) return false;
    const std::string bytes = std::move(consumer.outbound.front());
    consumer.outbound.pop_front();
    const auto message = decode(bytes);
    require(message.has_value(), "an inlet's message must be readable");
    if (const auto* wish = std::get_if<Subscribe>(&*message)) {
      consumer.subscribed = true;
      consumer.limit = wish->credit;
    } else if (const auto* grant = std::get_if<Grant>(&*message)) {
      require(grant->acknowledged >= consumer.acknowledged, "an acknowledgement was taken back");
      consumer.acknowledged = grant->acknowledged;
      consumer.limit.events = std::max(consumer.limit.events, grant->limit.events);
      consumer.limit.bytes = std::max(consumer.limit.bytes, grant->limit.bytes);
    } else {
      require(false, "an inlet said something else than subscribe and grant");
    }
    outlet_.handle(consumer.peer, *message, now_);
    require(outlet_.has_link(consumer.peer), "the outlet refused a faithful inlet");
    check();
    return true;
  }

  /// The consumer takes its next frame, if it is not in the middle of one.
  bool deliver_down(Consumer& consumer) {
    if (consumer.in_frame || consumer.inbound.empty()) return false;
    consumer.reading = std::move(consumer.inbound.front());
    consumer.inbound.pop_front();
    const auto input = consumer.inlet->handle(consumer.reading.view(), now_);
    require(input != Inlet::Input::malformed,
            "an inlet refused a faithful outlet: " + consumer.inlet->failure().detail);
    require(input != Inlet::Input::cancelled && input != Inlet::Input::ended, "an outlet gave up a faithful inlet");
    if (input == Inlet::Input::accepted && !consumer.accepted) {
      consumer.accepted = true;
      const Place at = consumer.inlet->place();
      consumer.from = at.from;
      for (std::uint64_t handled = at.events; handled > 0; ++consumer.from) {  // by one that left
        if (selected(consumer, consumer.from)) --handled;
      }
      consumer.next = consumer.from;
    }
    consumer.in_frame = input == Inlet::Input::events;
    if (!consumer.in_frame) lend(consumer.reading);
    poll_gaps(consumer);
    return true;
  }

  /// The consumer handles up to `count` events of its frame, and grants when it should.
  bool handle(Consumer& consumer, std::uint64_t count) {
    if (!consumer.in_frame) return false;
    for (; count > 0; --count) {
      EventView event;
      if (!consumer.inlet->next(event)) {
        require(consumer.inlet->failure().reason.empty(), "an inlet refused: " + consumer.inlet->failure().detail);
        consumer.in_frame = false;
        lend(consumer.reading);
        break;
      }
      poll_gaps(consumer);
      record_delivered(consumer, event);
      consumer.inlet->handled();
      if (consumer.inlet->attention()) say(consumer, consumer.inlet->poll_grant(false, now_));
    }
    return true;
  }

  /// The consumer has nothing to do.
  bool idle(Consumer& consumer) {
    if (consumer.in_frame || !consumer.inbound.empty()) return false;
    return say(consumer, consumer.inlet->poll_grant(true, now_));
  }

  /// libzmq lets go of the frames sent first.
  void release(std::size_t count) {
    for (; count > 0 && !lent_.empty(); --count) {
      lent_.front()->release();
      lent_.pop_front();
    }
    outlet_.buffer().reclaim();
  }

  void pass_time(Duration duration) {
    now_ += duration;
    for (auto& [name, consumer] : consumers_) {
      say(*consumer, consumer->inlet->poll_heartbeat(now_));
      while (deliver_up(*consumer)) {
      }
    }
    outlet_.handle_time(now_);
    check();
  }

  /// Everybody does what there is to do until nothing is left.
  void settle() {
    for (int rounds = 0;; ++rounds) {
      require(rounds < 100'000, "this does not come to rest");
      bool any = false;
      while (outlet_.wants_poll()) {
        poll();
        any = true;
      }
      for (auto& [name, consumer] : consumers_) {
        while (deliver_down(*consumer) || handle(*consumer, ~std::uint64_t{0})) any = true;
        if (idle(*consumer)) any = true;
        while (deliver_up(*consumer)) any = true;
      }
      release(lent_.size());
      if (!any) return;
    }
  }

  /// After settle(): everything appended has arrived or is told to be lost.
  void check_settled() {
    for (auto& [name, consumer] : consumers_) {
      require(consumer->accepted, "a subscription was never accepted");
      require_complete(*consumer);
    }
    if (!consumers_.empty()) {
      require(outlet_.drained(), "the outlet is not drained, though nothing is left to do");
      require(outlet_.outstanding() == 0, "something is outstanding, though nothing is left to do");
    }
    for (const LinkInfo& link : outlet_.links()) {
      require(link.acknowledged + link.dropped == link.selected,
              "what was selected is not acknowledged or dropped: " + std::to_string(link.acknowledged) + " and " +
                  std::to_string(link.dropped) + " of " + std::to_string(link.selected));
    }
  }

  /// What must hold at any time.
  void check() {
    const Buffer& buffer = outlet_.buffer();
    require(buffer.charged() <= options_.buffer.limit_bytes,
            "more memory is in use than allowed: " + std::to_string(buffer.charged()) + " of " +
                std::to_string(options_.buffer.limit_bytes));
    for (const LinkInfo& link : outlet_.links()) {
      const Consumer& consumer = *consumers_.at(link.consumer);
      if (!consumer.subscribed) continue;  // its place is held, or a connection that is over stands
      require(!link.away, "a consumer that is back is away");
      require(link.sent == consumer.before + consumer.sent.events, "the outlet counts other events as sent than were");
      require(link.acknowledged == consumer.before + consumer.acknowledged,
              "the outlet counts other events as acknowledged than were");
      require(link.acknowledged <= link.sent, "more is acknowledged than was sent");
      require(link.sent + link.dropped <= link.selected, "more is sent and dropped than was selected");
      if (options_.buffer.when_full == WhenFull::wait) require(link.dropped == 0, "something is dropped without leave");
    }
  }

 private:
  void subscribe(Consumer& consumer) {
    Inlet::Options options;
    std::memcpy(options.subscription.bytes.data(), consumer.name.data(),
                std::min<std::size_t>(16, consumer.name.size()));
    options.epoch = consumer.epoch;
    options.consumer = consumer.name;
    options.selection = consumer.selection;
    options.demand = consumer.demand;
    options.previous = consumer.standing;
    consumer.inlet = std::make_unique<Inlet>(std::move(options), now_);
    consumer.outbound.push_back(consumer.inlet->hello());
  }

  bool selected(const Consumer& consumer, std::uint64_t position) const {
    return selects(consumer.selection, topics_[position]);
  }

  /// The ledger of credit: an event may start while less than the limit was sent, in events and in bytes.
  void record_sent(Consumer& consumer, std::string_view frame) {
    if (!starts_with_batch(frame)) return;
    const auto batches = read_batches(frame);
    require(batches.has_value(), "a frame is not a run of batches");
    for (const Batch& batch : *batches) {
      require(batch.header.count > 0, "an empty batch was sent");
      for (const Event& event : batch.events) {
        require(consumer.sent.events < consumer.limit.events, "credit in events was exceeded");
        require(consumer.sent.bytes < consumer.limit.bytes, "credit in bytes was exceeded");
        ++consumer.sent.events;
        consumer.sent.bytes += event_bytes(event.view());
      }
    }
  }

  void record_delivered(Consumer& consumer, const EventView& event) {
    std::uint64_t position = 0;
    require(event.payload.size() >= sizeof position, "a payload was cut");
    std::memcpy(&position, event.payload.data(), sizeof position);
    require(position < topics_.size() && event.topic == topics_[position], "an event came that was not appended");
    require(selected(consumer, position), "an event came that was not selected");
    require(position >= consumer.from, "an event came from before the subscription");
    require(consumer.delivered.empty() || position > consumer.delivered.back(), "an event came out of order, or twice");
    if (options_.buffer.when_full == WhenFull::wait) {
      for (; consumer.next < position; ++consumer.next) {
        require(!selected(consumer, consumer.next), "a selected event was left out");
      }
      consumer.next = position + 1;
    }
    consumer.delivered.push_back(position);
  }

  void poll_gaps(Consumer& consumer) {
    for (const Gap& gap : consumer.inlet->poll_gaps()) {
      require(options_.buffer.when_full != WhenFull::wait,
              "a gap came, though the producer waits: " + std::to_string(gap.from) + " to " + std::to_string(gap.upto) +
                  " " + gap.reason);
      require(gap.reason == reason::full, "a hole in the stream was not told");
      if (gap.count) {
        require(*gap.count > 0, "a gap of nothing was told");
        consumer.told += *gap.count;
      } else {
        consumer.told_unknown = true;
      }
      consumer.gaps.emplace_back(gap.from, gap.upto);
    }
  }

  /// Delivered and told make up what was selected, each position is one or the other.
  void require_complete(const Consumer& consumer) const {
    std::uint64_t missing = 0;
    std::size_t next = 0;
    for (std::uint64_t position = consumer.from; position < topics_.size(); ++position) {
      if (!selected(consumer, position)) continue;
      if (next < consumer.delivered.size() && consumer.delivered[next] == position) {
        ++next;
        continue;
      }
      ++missing;
      bool told = false;
      for (const auto& [from, upto] : consumer.gaps) told = told || (from <= position && position < upto);
      require(told, "an event did not arrive, and no gap speaks of its position");
    }
    require(next == consumer.delivered.size(), "more was delivered than selected");
    // What was dropped before the first subscriber came lies below `from`, or is of unknown size.
    if (!consumer.told_unknown && consumer.from > 0 && !consumer.gaps.empty() &&
        consumer.gaps.front().first < consumer.from) {
      require(consumer.told >= missing, "more is missing than was told");
    } else if (consumer.told_unknown) {
      require(consumer.told <= missing || consumer.gaps.front().first < consumer.from, "more was told than is missing");
    } else {
      require(consumer.told == missing,
              "told to be lost: " + std::to_string(consumer.told) + ", but missing are " + std::to_string(missing));
    }
    for (const LinkInfo& link : links_of(consumer)) {
      require(link.acknowledged == link.sent, "not all is acknowledged, though nothing is left to do");
      require(link.selected == link.acknowledged + link.dropped, "the accounts do not balance");
      require(link.sent == consumer.delivered.size(), "not all that was sent was delivered");
    }
  }

  std::vector<LinkInfo> links_of(const Consumer& consumer) const {
    std::vector<LinkInfo> found;
    for (const LinkInfo& link : outlet_.links()) {
      if (link.consumer == consumer.name) found.push_back(link);
    }
    return found;
  }

  bool say(Consumer& consumer, std::optional<std::string> message) {
    if (!message) return false;
    consumer.outbound.push_back(std::move(*message));
    return true;
  }

  void lend(Parcel& parcel) {
    if (parcel.segment != nullptr) lent_.push_back(std::exchange(parcel.segment, nullptr));
    parcel = {};
  }

  void forget(Consumer& consumer) {
    if (consumer.in_frame) lend(consumer.reading);
    for (Parcel& parcel : consumer.inbound) lend(parcel);
    consumer.inbound.clear();
  }

  Outlet::Options options_;
  Outlet outlet_;
  Time now_ = at(0);
  std::map<std::string, std::unique_ptr<Consumer>> consumers_;
  std::vector<std::string> topics_;  // by position
  std::deque<Segment*> lent_;
  int connections_ = 0;
};

}  // namespace galena::core::test
