// SPDX-License-Identifier: Apache-2.0
// A relay whose publisher sends it anything: it hands out no more than it granted, what it says can be read, and the
// subscriber behind it never finds a fault in what the relay makes of that.
#include "galena/core/inlet.hpp"

#include <memory>

#include "core_frames.hpp"
#include "faithful.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

class World {
 public:
  explicit World(Script& script)
      : script_(script),
        outlet_({.stage = script.id(), .stream = behind_.stream, .buffer = {.limit_bytes = 64 << 10}}, now_),
        behind_reader_("behind", behind_.subscription, {}, {}) {
    options_.selection = any_selection(script);
    options_.demand = {1 + script.below(40), 0, 1 + script.below(8) * std::uint64_t{900}};
    const std::uint8_t parts = script.byte();
    options_.exact = (parts & 1U) != 0;
    options_.acknowledge_later = (parts & 2U) != 0;
    if ((parts & 4U) != 0) options_.seen = &seen_;
    if ((parts & 8U) != 0) options_.stage = script.id();
    if ((parts & 16U) != 0) options_.identity = "i";
    whole_batches_ = (parts & 32U) != 0;
    if (whole_batches_) behind_reader_.expect_any_payload();
    behind_reader_.connect(now_);
    behind_reader_.deliver_up(outlet_, now_);
    connect();
  }

  void run() {
    for (int steps = 0; steps < 300 && !script_.at_end(); ++steps) step();
    pass_on();
  }

 private:
  /// Ids that no script says.
  struct Behind {
    Id stream;
    Id subscription;
    Behind() {
      stream.bytes.fill(0x62);
      subscription.bytes.fill(0x61);
    }
  };

  void connect() {
    if (inlet_ != nullptr && inlet_->accepted()) {
      options_.previous = inlet_->standing();
      inlet_->record_seen();
    }
    ++options_.epoch;
    inlet_ = std::make_unique<core::Inlet>(options_, now_);
    check_hello();
    granted_ = options_.demand.max_events;
    acknowledged_ = got_ = reached_ = 0;
  }

  void check_hello() {
    const auto hello = core::decode(inlet_->hello());
    claim(hello && std::holds_alternative<core::Subscribe>(*hello), "a subscriber's first message can be read");
  }

  void step() {
    switch (script_.below(10)) {
      case 0:
        return receive(exact(core::encode(any_accept(script_))));
      case 1:
      case 2:
        return receive(exact(any_batches(script_, inlet_->place().from)));
      case 3:
        return receive(damaged(any_batches(script_, inlet_->place().from), script_));
      case 4:
        return receive(damaged(any_message(script_), script_));
      case 5:
        return receive(exact(core::encode(any_gap(script_))));
      case 6:
        return receive(script_.frame());
      case 7:
        now_ += script_.duration() / 20;
        return say(inlet_->poll_heartbeat(now_));
      case 8:
        return connect();
      default:
        return script_.flag() ? pass_on() : inlet_->stop_granting();
    }
  }

  void receive(const std::vector<char>& frame) {
    const auto input = inlet_->handle(view(frame), now_);
    if (input == core::Inlet::Input::events) handle_events();
    if (input == core::Inlet::Input::malformed || !inlet_->failure().reason.empty()) {
      claim(!inlet_->failure().reason.empty(), "a link that ends says why");
      const auto farewell = core::decode(inlet_->farewell());
      claim(farewell && std::holds_alternative<core::Cancel>(*farewell), "a subscriber's last message can be read");
      return connect();
    }
    check_gaps();
    if (options_.acknowledge_later && script_.flag()) inlet_->acknowledge(inlet_->handled_events());
    say(inlet_->poll_grant(script_.flag(), now_));
    (void)inlet_->silent(now_);
  }

  void handle_events() {
    const std::uint64_t before = inlet_->handled_events();
    for (;;) {
      if (const auto whole = whole_batches_ ? inlet_->whole_batch() : std::nullopt) {
        check_readable(whole->bytes);
        adopt(*whole);
        inlet_->handled_whole();
        continue;
      }
      EventView event;
      if (!inlet_->next(event)) break;
      const core::Provenance from = inlet_->provenance(event);
      claim(from.origin.place.events <= 0xffffffff, "an origin can be written into a batch");
      if (const auto position = inlet_->position()) claim(*position >= reached_, "positions do not go back");
      reached_ = inlet_->position().value_or(0);
      (void)outlet_.append(event_behind(event), from.plain() ? nullptr : &from);
      inlet_->handled();
      (void)inlet_->standing();
    }
    got_ += inlet_->handled_events() - before;
    claim(got_ <= granted_, "no more events are handed out than were granted");
  }

  /// As PassThrough does it: all of the batch, as it lies there.
  void adopt(const core::Inlet::WholeBatch& whole) {
    auto memory = std::make_shared<std::string>(whole.bytes);
    auto* const segment = core::Segment::adopt(memory->data(), static_cast<std::uint32_t>(memory->size()), memory);
    if (outlet_.adopt(segment, whole.count) != core::Outlet::Answer::accepted) segment->release();
  }

  /// The same, with a payload that tells its number.
  EventView event_behind(const EventView& event) {
    payload_ = Faithful::numbered(++made_, event.payload.size());
    return {event.topic, payload_, event.encoding};
  }

  void check_gaps() {
    const auto gaps = inlet_->poll_gaps();
    claim(gaps.size() <= core::Inlet::max_gaps, "gaps that wait are bounded in number");
    for (const Gap& gap : gaps) {
      claim(core::decode(core::encode(gap)).has_value(), "a gap that a subscriber was told can be told to others");
    }
  }

  void say(const std::optional<std::string>& message) {
    if (!message) return;
    const auto read = core::decode(*message);
    claim(read && std::holds_alternative<core::Grant>(*read), "a grant can be read");
    const auto& grant = std::get<core::Grant>(*read);
    claim(grant.acknowledged >= acknowledged_, "an acknowledgement is not taken back");
    claim(grant.acknowledged <= inlet_->handled_events(), "what is acknowledged was handled");
    claim(grant.limit.events >= granted_, "a limit does not go down");
    acknowledged_ = grant.acknowledged;
    granted_ = grant.limit.events;
  }

  /// What was made of the events goes to the subscriber behind.
  void pass_on() {
    for (int rounds = 0; rounds < 20; ++rounds) {
      std::vector<core::Parcel> parcels;
      outlet_.flush();
      outlet_.poll(parcels, now_);
      if (parcels.empty()) break;
      for (core::Parcel& parcel : parcels) {
        check_readable(parcel.view());
        behind_reader_.send(std::move(parcel));
      }
      while (behind_reader_.has_frames() && behind_reader_.connected()) behind_reader_.deliver_down(now_);
      while (behind_reader_.has_messages()) behind_reader_.deliver_up(outlet_, now_);
    }
  }

  Script& script_;
  Time now_ = Time{} + std::chrono::hours(1);
  const Behind behind_;
  core::Inlet::Options options_;
  core::Seen seen_;
  std::unique_ptr<core::Inlet> inlet_;
  bool whole_batches_ = false;
  std::uint64_t granted_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t got_ = 0;
  std::uint64_t reached_ = 0;  // the position of the last event that told one
  std::uint64_t made_ = 0;
  std::string payload_;
  core::Outlet outlet_;
  Faithful behind_reader_;
};

}  // namespace

void run(std::string_view bytes) {
  Script script(bytes);
  World(script).run();
}

}  // namespace galena::fuzz
