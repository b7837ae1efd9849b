// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <algorithm>
#include <utility>

#include "producer.hpp"
#include "relay.hpp"

namespace galena::sim {
namespace {

using namespace std::chrono_literals;

/// So long after the last fault everything has come to rest: many times what the stages may be silent.
constexpr Duration rest_within = 60s;

}  // namespace

World::World(std::uint64_t seed, Fault fault)
    : Env(seed, fault), places_(plan.stages.size()), actor_(trace.actor("world")) {
  for (std::size_t stage = 0; stage < places_.size(); ++stage) {
    places_[stage].actor = trace.actor(plan.stages[stage].name);
    places_[stage].begins = now + random.micros(0, 5'000);
  }
}

World::~World() {
  for (Place& place : places_) place.processes.clear();
}

Publisher* World::find(std::size_t stage) {
  auto& processes = places_[stage].processes;
  return processes.empty() ? nullptr : processes.back()->publisher();
}

Wire& World::connect(Subscriber& from, Publisher& to) {
  auto wire = std::make_unique<Wire>();
  wire->number = next_wire_++;
  wire->peer = "w" + std::to_string(wire->number);
  wire->subscriber = &from;
  wire->publisher = &to;
  return *wires_.emplace(wire->number, std::move(wire)).first->second;
}

void World::run(std::uint64_t steps) {
  for (std::uint64_t i = 0; i < steps; ++i) {
    step();
    if (random.below(1000) < plan.trouble) mishap();
  }
  quiet = true;
  trace.note(now, actor_, "the faults are over");
  for (Place& place : places_) {
    place.begins = std::min(place.begins, now + 1ms);
    for (const auto& process : place.processes) process->paused_until = now;
  }
  const Time until = now + rest_within;
  std::uint64_t idle = 0;
  for (std::uint64_t i = 1;; ++i) {
    idle = step() ? 0 : idle + 1;
    if (idle > 20) now += 2ms;
    if ((idle == 20 || i % 64 == 0) && at_rest()) break;
    if (now > until) throw Complaint{Kind::liveness, "this does not come to rest: " + restless()};
  }
  for (Place& place : places_) {
    if (Publisher* publisher = find(static_cast<std::size_t>(&place - places_.data()))) publisher->check_rest();
  }
  books.check_end();
}

bool World::step() {
  ++steps_;
  now += random.micros(0, quiet ? 100 : 400);
  if (!quiet && random.below(400) == 0) now += random.micros(0, 30'000);
  if (steps_ % 8 == 0) {
    tend_wires();
    tend_processes();
  }
  if (random.percent(50)) return deliver();
  Place& place = places_[random.below(places_.size())];
  if (place.processes.empty()) return false;
  Process& process = *place.processes[random.below(place.processes.size())];
  if (now < process.paused_until) return false;
  const bool any = process.step();
  if (process.is_over()) {
    trace.note(now, place.actor, "is over, in life", process.life());
    std::erase_if(place.processes, [&](const auto& at) { return at.get() == &process; });
    if (place.processes.empty()) place.begins = now + random.micros(0, 20'000);
  }
  return any;
}

/// A message or a few move on.
bool World::deliver() {
  std::vector<std::pair<Wire*, Wire::Way*>> ready;
  for (const auto& [number, wire] : wires_) {
    if (!wire->up.flight.empty()) ready.emplace_back(wire.get(), &wire->up);
    if (!wire->down.flight.empty()) ready.emplace_back(wire.get(), &wire->down);
  }
  if (ready.empty()) return false;
  const auto [wire, way] = ready[random.below(ready.size())];
  const bool is_up = way == &wire->up;
  if (tamper.is(Fault::stale_frame) && !is_up && way->flight.size() > 1 && core::starts_with_batch(way->flight[0]) &&
      core::starts_with_batch(way->flight[1])) {
    std::swap(way->flight[0], way->flight[1]);
  }
  trace.note(now, actor_, is_up ? "moves a message up (wire)" : "moves a message down (wire)", wire->number);
  for (std::uint64_t count = random.between(1, 4); count > 0 && Wire::deliver(*way); --count) {
  }
  return true;
}

void World::tend_wires() {
  for (auto it = wires_.begin(); it != wires_.end();) {
    Wire& wire = *it->second;
    const auto& last = wire.publisher == nullptr ? wire.down : wire.up;
    if (wire.closing && (last.flight.empty() || last.cut)) wire.break_off(now, random);
    it = wire.is_over() ? wires_.erase(it) : std::next(it);
  }
}

void World::tend_processes() {
  for (std::size_t stage = 0; stage < places_.size(); ++stage) {
    if (places_[stage].processes.empty() && now >= places_[stage].begins) begin(stage);
  }
}

void World::begin(std::size_t stage) {
  Place& place = places_[stage];
  const std::uint32_t life = ++place.lives;
  trace.note(now, place.actor, "begins life", life);
  switch (plan.stages[stage].role) {
    case Role::producer:
      place.processes.push_back(std::make_unique<Producer>(*this, stage, life, place.actor));
      break;
    case Role::relay:
      place.processes.push_back(std::make_unique<Relay>(*this, stage, life, place.actor));
      break;
    case Role::consumer:
      place.processes.push_back(std::make_unique<Consumer>(*this, stage, life, place.actor, place.stores));
      break;
  }
}

void World::mishap() {
  const std::size_t stage = random.below(places_.size());
  Place& place = places_[stage];
  const Role role = plan.stages[stage].role;
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      if (plan.breaks) break_wire();
      return;
    case 3:
    case 4:
      if (place.processes.empty()) return;
      trace.note(now, place.actor, "pauses");
      place.processes.back()->paused_until = now + random.micros(1'000, random.percent(30) ? 500'000 : 50'000);
      return;
    case 5:
    case 6:
      if (plan.crashes && !(role == Role::producer && random.percent(70))) crash(place);
      return;
    default:
      if (!plan.crashes || place.processes.empty()) return;
      // A second one is started while the first lives: it has the identity now. Stages without one are as many.
      const auto& subscriptions = plan.stages[stage].subscriptions;
      const bool shared = std::all_of(subscriptions.begin(), subscriptions.end(),
                                      [](const SubscriptionPlan& at) { return at.identity; });
      if (role == Role::consumer && shared && random.percent(50)) {
        if (place.processes.size() < 2) begin(stage);
      } else if (role != Role::relay && (role == Role::consumer || random.percent(20))) {
        trace.note(now, place.actor, "leaves");
        Process& process = *place.processes.back();
        if (process.leave() && (role == Role::consumer || process.is_over())) crash(place);
      }
  }
}

void World::break_wire() {
  if (wires_.empty()) return;
  Wire& wire = *std::next(wires_.begin(), static_cast<std::ptrdiff_t>(random.below(wires_.size())))->second;
  switch (random.below(4)) {
    case 0:
      trace.note(now, actor_, "cuts the way up (wire)", wire.number);
      wire.up.cut = true;
      return;
    case 1:
      trace.note(now, actor_, "cuts the way down (wire)", wire.number);
      wire.down.cut = true;
      return;
    default:
      trace.note(now, actor_, "breaks (wire)", wire.number);
      wire.break_off(now, random);
  }
}

/// The one that is found now; an older one that was not told yet lives on.
void World::crash(Place& place) {
  if (place.processes.empty()) return;
  trace.note(now, place.actor, "dies, in life", place.processes.back()->life());
  place.processes.pop_back();
  place.begins = now + random.micros(0, 30'000);
}

bool World::at_rest() {
  return std::all_of(places_.begin(), places_.end(), [](const Place& place) {
    return place.processes.size() == 1 && place.processes.back()->at_rest();
  });
}

std::string World::restless() {
  std::string text;
  for (const Place& place : places_) {
    if (place.processes.size() == 1 && place.processes.back()->at_rest()) continue;
    text += std::string("\n    ") + plan.stages[static_cast<std::size_t>(&place - places_.data())].name;
    for (const auto& process : place.processes) {
      text += " (life " + std::to_string(process->life()) + ": " + process->state() + ")";
    }
  }
  return text;
}

std::uint64_t World::events() const {
  std::uint64_t events = 0;
  for (const auto& stream : books.streams()) events += stream->events.size();
  return events;
}

std::string World::describe() const {
  constexpr const char* when_full[] = {"waits", "keeps the last", "keeps the first"};
  const auto ms = [](Duration duration) { return std::to_string(in_milliseconds(duration)) + " ms"; };
  std::string text;
  for (const StagePlan& stage : plan.stages) {
    text += "  " + stage.name;
    if (stage.role != Role::consumer) {
      const OutletPlan& outlet = stage.outlet;
      text += ": " + std::string(when_full[static_cast<std::size_t>(outlet.buffer.when_full)]) + " at " +
              std::to_string(outlet.buffer.limit_bytes) + " bytes, " + std::to_string(outlet.buffer.limit_events) +
              " events, retains " + std::to_string(outlet.buffer.retain_bytes) + ", holds for " + ms(outlet.hold) +
              ", expects " + std::to_string(outlet.expect.size()) + ", silent for " + ms(outlet.silence);
    }
    text += "\n";
    for (const SubscriptionPlan& at : stage.subscriptions) {
      text += "    " + at.name + " to " + plan.stages[at.source].name + ": " +
              (at.selection.everything() ? "everything" : std::to_string(at.selection.patterns().size()) + " topics") +
              ", " + std::to_string(at.demand.max_events) + " events, " + std::to_string(at.demand.max_bytes) +
              " bytes" + (at.identity ? ", identity" : "") + (at.store ? ", store" : "") + (at.seen ? ", seen" : "") +
              (at.guaranteed ? ", guaranteed" : "") + "\n";
    }
  }
  return text;
}

Outcome simulate(std::uint64_t seed, std::uint64_t steps, Fault fault) {
  World world(seed, fault);
  Outcome outcome;
  try {
    world.run(steps);
  } catch (const Complaint& complaint) {
    outcome.complaint = complaint;
    outcome.last_steps = world.last_steps();
    outcome.plan = world.describe();
  }
  outcome.hash = world.hash();
  outcome.steps = world.steps();
  outcome.events = world.events();
  return outcome;
}

}  // namespace galena::sim
