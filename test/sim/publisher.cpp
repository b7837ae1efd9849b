// SPDX-License-Identifier: Apache-2.0
#include "publisher.hpp"

#include <algorithm>

namespace galena::sim {
namespace {

core::Outlet::Options options_of(Env& env, std::size_t stage) {
  const OutletPlan& plan = env.plan.stages[stage].outlet;
  core::Outlet::Options options;
  options.stage = env.random.id();
  options.stream = env.random.id();
  options.buffer = plan.buffer;
  options.silence = plan.silence;
  options.hold = plan.hold;
  options.expect = plan.expect;
  options.max_in_flight_bytes = plan.max_in_flight_bytes;
  if (env.tamper.is(Fault::boundless)) options.buffer.limit_bytes *= 2;
  if (env.tamper.is(Fault::place_lost)) options.hold = Duration::zero();
  return options;
}

}  // namespace

Publisher::Publisher(Env& env, std::size_t stage, std::uint32_t actor)
    : env_(env),
      number_(stage),
      actor_(actor),
      outlet_(options_of(env, stage), env.now),
      stream_(env.books.open_stream(stage, outlet_.options().stream, env.now)),
      next_time_(env.now) {
  env_.trace.note(env_.now, actor_, "publishes as stream", stream_.number);
}

Publisher::~Publisher() {
  stream_.dead = true;
  for (auto& [peer, wire] : wires_) {
    wire->publisher = nullptr;
    if (!wire->closing) wire->break_off(env_.now, env_.random);
  }
  release(lent_.size());
}

void Publisher::attach(Wire& wire) {
  wire.book.stream = &stream_;
  wires_.emplace(wire.peer, &wire);
}

Publisher::Answer Publisher::append(std::uint8_t topic, std::size_t padding, const core::Provenance* from,
                                    const Content* content) {
  const std::uint64_t position = outlet_.buffer().next();
  const Content is = content != nullptr ? *content : Content::of(stream_.number, position);
  const std::string payload = Payload{stream_.number, position, is}.text(padding);
  const Answer answer = outlet_.append({topics[topic], payload}, from);
  if (answer == Answer::accepted) {
    env_.books.note_append(stream_, position, topic, is);
    env_.trace.note(env_.now, actor_, "appends (position, topic)", position, topic);
  } else {
    env_.trace.note(env_.now, actor_, answer == Answer::full ? "is full" : "refuses an event as too large", position);
  }
  check();
  return answer;
}

bool Publisher::receive(std::size_t count) {
  bool any = false;
  std::vector<Wire*> ready;
  for (auto& [peer, wire] : wires_) {
    if (!wire->up.arrived.empty() || (wire->broken && env_.now >= wire->publisher_learns)) ready.push_back(wire);
  }
  for (; count > 0 && !ready.empty(); --count) {
    any |= receive_from(*ready[env_.random.below(ready.size())]);
  }
  return any;
}

bool Publisher::receive_from(Wire& wire) {
  if (wire.up.arrived.empty()) {
    if (!wire.broken || env_.now < std::exchange(wire.publisher_learns, never)) return false;
    env_.trace.note(env_.now, actor_, "learns that a wire is broken:", wire.number);
    outlet_.handle_gone(wire.peer, env_.now);
    check();
    return true;
  }
  const std::string bytes = std::move(wire.up.arrived.front());
  wire.up.arrived.pop_front();
  env_.trace.note_bytes(bytes);
  const auto message = core::decode(bytes);
  require(message.has_value(), Kind::refused, "a consumer's message is not readable");
  const auto* grant = std::get_if<core::Grant>(&*message);
  env_.trace.note(env_.now, actor_, grant != nullptr ? "reads a grant (wire, acknowledged)" : "reads a message (wire)",
                  wire.number, grant != nullptr ? grant->acknowledged : 0);
  if (!env_.tamper.is(Fault::wide_window)) env_.books.note_arrived(wire.book, *message);
  if (env_.tamper.is(Fault::wide_window)) {
    core::Message said = *message;
    if (auto* told = std::get_if<core::Grant>(&said)) --told->limit.events;
    if (auto* wish = std::get_if<core::Subscribe>(&said)) --wish->credit.events;
    env_.books.note_arrived(wire.book, said);
  }
  outlet_.handle(wire.peer, *message, env_.now);
  check();
  return true;
}

bool Publisher::transmit() {
  const auto due = outlet_.due();
  if (!outlet_.wants_poll() && !(due && *due <= env_.now)) return false;
  std::vector<core::Parcel> parcels;
  outlet_.poll(parcels, env_.now);
  for (core::Parcel& parcel : parcels) {
    std::string bytes(parcel.view());
    if (parcel.segment != nullptr) lent_.push_back(parcel.segment);
    const auto wire = wires_.find(parcel.peer);
    if (wire == wires_.end()) continue;
    env_.trace.note(env_.now, actor_, "sends (wire, bytes)", wire->second->number, bytes.size());
    env_.trace.note_bytes(bytes);
    env_.books.record_sent(wire->second->book, bytes, env_.now);
    wire->second->send(wire->second->down, env_.tamper.down(std::move(bytes), env_.random));
  }
  check();
  return true;
}

bool Publisher::release(std::size_t count) {
  count = std::min(count, lent_.size());
  for (std::size_t i = 0; i < count; ++i) {
    lent_.front()->release();
    lent_.pop_front();
  }
  outlet_.buffer().reclaim();
  return count > 0;
}

void Publisher::note_time() {
  if (env_.now < next_time_) return;
  next_time_ = env_.now + outlet_.options().silence / 8;
  std::erase_if(wires_, [](const auto& at) {
    Wire& wire = *at.second;
    const bool over = wire.broken && wire.up.arrived.empty() && wire.subscriber == nullptr;
    if (!over || wire.publisher_learns != never) return false;
    wire.publisher = nullptr;
    return true;
  });
  outlet_.handle_time(env_.now);
  check();
  transmit();
}

void Publisher::end() {
  stream_.drained = outlet_.drained();
  stream_.dead = true;
  outlet_.end();
  transmit();
  for (auto& [peer, wire] : wires_) {
    wire->closing = true;
    wire->publisher = nullptr;
  }
  wires_.clear();
}

bool Publisher::at_rest() const {
  if (!lent_.empty() || outlet_.wants_poll() || outlet_.buffer().unclaimed() > 0) return false;
  const std::vector<LinkInfo> links = outlet_.links();
  return std::all_of(links.begin(), links.end(), [](const LinkInfo& link) {
    return link.away ? link.identity.empty() : link.selected == link.acknowledged + link.dropped;
  });
}

std::string Publisher::state() const {
  std::string text = "stream " + std::to_string(stream_.number) + " at " + std::to_string(outlet_.buffer().next()) +
                     ", outstanding " + std::to_string(outlet_.outstanding()) + ", unclaimed " +
                     std::to_string(outlet_.buffer().unclaimed()) + ", " + std::to_string(outlet_.buffer().charged()) +
                     " bytes, " + std::to_string(lent_.size()) + " lent, settled " +
                     std::to_string(outlet_.acknowledged_upto()) + (outlet_.drained() ? ", drained" : "");
  for (const LinkInfo& link : outlet_.links()) {
    text += "; " + link.consumer + (link.away ? " (away)" : "") + " selected " + std::to_string(link.selected) +
            " sent " + std::to_string(link.sent) + " acknowledged " + std::to_string(link.acknowledged) + " dropped " +
            std::to_string(link.dropped);
  }
  return text;
}

}  // namespace galena::sim
