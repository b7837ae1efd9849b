// SPDX-License-Identifier: Apache-2.0
// A publisher among peers that send it anything, and two subscribers that keep the protocol. What it sends can be read,
// the faithful never find a fault in it, and its memory stays within the bound.
#include "galena/core/outlet.hpp"

#include <array>
#include <memory>

#include "core_frames.hpp"
#include "faithful.hpp"
#include "galena/core/report.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

Id id_of(std::uint8_t number) {
  Id id;
  id.bytes.fill(number);
  return id;
}

class World {
 public:
  explicit World(Script& script)
      : script_(script),
        options_(any_options(script)),
        outlet_(options_, now_),
        faithful_{{{"one", id_of(0x51), any_selection(script), any_demand(script)},
                   {"two", id_of(0x52), any_selection(script), any_demand(script), script.flag() ? "mine" : ""}}} {}

  void run() {
    for (int steps = 0; steps < 400 && !script_.at_end(); ++steps) {
      step();
      check_bounds();
    }
    if (script_.flag()) outlet_.drain();
    poll();
    if (script_.flag()) {
      outlet_.end();
    } else {
      outlet_.cancel_all(core::reason::stopped, "a handler has failed");
    }
    poll();
    for (Faithful& each : faithful_) {
      while (each.connected() && each.has_frames()) each.deliver_down(now_);
    }
    claim(outlet_.subscribers() == 0, "an outlet that has ended has no subscribers");
  }

 private:
  static core::Outlet::Options any_options(Script& script) {
    static constexpr std::uint64_t limits[] = {4 << 10, 32 << 10, 64 << 10, 1 << 20};
    core::Outlet::Options options{.stage = id_of(1), .stream = id_of(2)};
    options.buffer.limit_bytes = limits[script.below(std::size(limits))];
    options.buffer.limit_events = script.flag() ? script.below(12) : 0;
    options.buffer.retain_bytes = script.below(3) * 3000;
    options.buffer.when_full = static_cast<WhenFull>(script.below(3));
    options.hold = std::chrono::seconds(script.below(3) * 10);
    if (script.flag()) options.expect = {"i", "mine"};
    if (script.flag()) options.max_in_flight_bytes = 1 + script.below(200);
    if (script.flag()) options.max_selection_bytes = 4;
    return options;
  }

  static core::Demand any_demand(Script& script) {
    static const core::Demand all[] = {{},         {1, 0, 1 << 20}, {2, 1, 1 << 20},  {100, 80, 2000}, {100, 20, 300},
                                       {10, 5, 1}, {7, 6, 100},     {9, 3, 100, 5000}};
    return all[script.below(std::size(all))];
  }

  void step() {
    Faithful& faithful = faithful_[script_.below(2)];
    switch (script_.below(16)) {
      case 0:
      case 1:
      case 2:
        return append();
      case 3:
        return script_.flag() ? append_all() : adopt();
      case 4:
        return receive(any_peer(), damaged(any_message(script_), script_));
      case 5:
        return receive(any_peer(), exact(any_message(script_)));
      case 6:
        return receive(any_peer(), exact(core::encode(any_subscribe(script_))));
      case 7:
        return receive(any_peer(), script_.frame());
      case 8:
        return outlet_.handle_gone(any_peer(), now_);
      case 9:
        return pass_time();
      case 10:
        return poll();
      case 11:
        return reconnect(faithful);
      case 12:
        return faithful.deliver_up(outlet_, now_);
      case 13:
      case 14:
        return faithful.deliver_down(now_);
      default:
        return script_.below(8) == 0 ? outlet_.drain() : outlet_.flush();
    }
  }

  std::string any_peer() { return std::string(1, static_cast<char>('a' + script_.below(4))); }

  void append() {
    static constexpr std::size_t sizes[] = {8, 9, 100, 250, 251, 1000, 5000, 40'000};
    const std::string topic = any_topic(script_);
    const std::string payload = Faithful::numbered(next_, sizes[script_.below(std::size(sizes))]);
    core::Provenance from;
    const std::uint8_t parts = script_.byte();
    from.repeated = (parts & 1U) != 0;
    if ((parts & 2U) != 0) from.origin = {{id_of(3), next_ / 4, next_ % 4}, (parts & 4U) != 0 ? 1U : 0U};
    if (outlet_.append({topic, payload}, from.plain() ? nullptr : &from) == core::Outlet::Answer::accepted) ++next_;
  }

  void append_all() {
    const std::size_t size = script_.number32() % 3000;
    const std::string topic = any_topic(script_);
    const std::string one = Faithful::numbered(next_, size);
    const std::string two = Faithful::numbered(next_ + 1, size);
    const EventView events[] = {{topic, one}, {"a", two}};
    if (outlet_.append_all(events) == core::Outlet::Answer::accepted) next_ += 2;
  }

  void adopt() {
    const std::string topic = any_topic(script_);
    const std::string payload = Faithful::numbered(next_, script_.number32() % 3000);
    const EventView event{topic, payload};
    auto memory = std::make_shared<std::string>(core::batch_header_bytes + core::event_bytes(event), '\0');
    core::write_event(memory->data() + core::batch_header_bytes, event);
    auto* const segment = core::Segment::adopt(memory->data(), static_cast<std::uint32_t>(memory->size()), memory);
    if (outlet_.adopt(segment, 1) == core::Outlet::Answer::accepted) {
      ++next_;
    } else {
      segment->release();
    }
  }

  /// As a driver would hand it over.
  void receive(const std::string& peer, const std::vector<char>& frame) {
    const auto message = core::decode(view(frame));
    if (message) {
      outlet_.handle(peer, *message, now_);
    } else {
      outlet_.handle_malformed(peer, "it is noise");
    }
  }

  void pass_time() {
    now_ += script_.duration() / 10;
    for (Faithful& each : faithful_) {
      each.heartbeat(now_);
      if (each.connected()) each.deliver_up(outlet_, now_);
    }
    outlet_.handle_time(now_);
  }

  void poll() {
    std::vector<core::Parcel> parcels;
    outlet_.poll(parcels, now_);
    for (core::Parcel& parcel : parcels) {
      check_readable(parcel.view());
      Faithful* to = nullptr;
      for (Faithful& each : faithful_) {
        if (each.connected() && each.peer() == parcel.peer) to = &each;
      }
      if (to != nullptr) {
        to->send(std::move(parcel));
      } else if (parcel.segment != nullptr) {
        parcel.segment->release();
      }
    }
    outlet_.buffer().reclaim();
    check_report();
  }

  void reconnect(Faithful& faithful) {
    if (faithful.connected()) {
      if (script_.flag()) outlet_.handle_gone(faithful.peer(), now_);
      faithful.disconnect();
    }
    faithful.connect(now_);
  }

  void check_report() {
    core::Report report;
    report.outstanding = outlet_.outstanding();
    report.subscribers = outlet_.links();
    report.drops = outlet_.buffer().drops().counts();
    claim(core::decode_report(core::encode(report)).has_value(), "accounts can be read");
  }

  void check_bounds() {
    claim(outlet_.buffer().charged() <= options_.buffer.limit_bytes, "memory stays within the bound");
    claim(outlet_.buffer().selection_bytes() <= options_.max_selection_bytes, "selections stay within the bound");
    (void)outlet_.open_credit();
    (void)outlet_.acknowledged_upto();
    (void)outlet_.take_changes();
    (void)outlet_.take_notes();
    (void)outlet_.take_warnings();
  }

  Script& script_;
  Time now_ = Time{} + std::chrono::hours(1);
  std::uint64_t next_ = 0;
  core::Outlet::Options options_;
  core::Outlet outlet_;
  std::array<Faithful, 2> faithful_;  // destroyed first: they pin memory of the outlet
};

}  // namespace

void run(std::string_view bytes) {
  Script script(bytes);
  World(script).run();
}

}  // namespace galena::fuzz
