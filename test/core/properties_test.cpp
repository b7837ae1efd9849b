// SPDX-License-Identifier: Apache-2.0
/// What must hold whatever happens, tried on things that happen at random. A failure prints the seed to repeat it with
/// (RC_PARAMS="seed=..."), and the shortest course of events that fails.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "galena/core/report.hpp"
#include "harness.hpp"

namespace galena::core::test {
namespace {

// ---- messages

template <class Message, class Same>
bool survives(const Message& message, Same same) {
  const auto back = decode(encode(message));
  return back && std::holds_alternative<Message>(*back) && same(std::get<Message>(*back), message);
}

Id any_id() {
  Id id;
  for (auto& byte : id.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  id.bytes[0] |= 1;  // not none
  return id;
}

std::string any_bytes() { return *rc::gen::arbitrary<std::string>(); }
std::uint64_t any_number() { return *rc::gen::arbitrary<std::uint64_t>() >> *rc::gen::inRange(0, 64); }
Duration any_silence() { return std::chrono::milliseconds(*rc::gen::inRange(0, 24 * 3600 * 1000 + 1)); }

Selection any_selection() {
  std::vector<Topic> patterns;
  const int size = *rc::gen::inRange(0, 5);
  for (int i = 0; i < size; ++i) patterns.push_back({*rc::gen::arbitrary<bool>(), any_bytes()});
  return Selection(patterns);
}

/// One message of each kind.
std::vector<std::string> any_messages() {
  const std::uint64_t from = any_number() / 2;
  const std::uint64_t length = any_number() / 2;
  return {
      encode(Subscribe{
          any_id(), any_id(), any_number(), any_bytes(), any_selection(), {any_number(), any_number()}, any_silence()}),
      encode(Accept{any_id(), {any_id(), any_number()}, any_silence()}),
      encode(Grant{any_number(), {any_number(), any_number()}}),
      encode(Gap{from, from + length, length, any_bytes()}),
      encode(Gap{from, from + length, std::nullopt, any_bytes()}),
      encode(Mark{any_number()}),
      encode(End{any_number()}),
      encode(Cancel{any_bytes(), any_bytes()}),
      encode(Offer{any_id(), any_id(), any_id(), *rc::gen::arbitrary<bool>(), any_silence()}),
      encode(Refuse{any_number(), any_bytes()})};
}

TEST_CASE("every message reads as it was written") {
  CHECK(rc::check("decode(encode(x)) == x", [] {
    RC_ASSERT(survives(Subscribe{any_id(),
                                 any_id(),
                                 any_number(),
                                 any_bytes(),
                                 any_selection(),
                                 {any_number(), any_number()},
                                 any_silence()},
                       [](const Subscribe& a, const Subscribe& b) {
                         return a.stage == b.stage && a.subscription == b.subscription && a.epoch == b.epoch &&
                                a.consumer == b.consumer && a.selection == b.selection && a.credit == b.credit &&
                                a.silence == b.silence;
                       }));
    RC_ASSERT(survives(Accept{any_id(), {any_id(), any_number()}, any_silence()}, [](const Accept& a, const Accept& b) {
      return a.stage == b.stage && a.place == b.place && a.silence == b.silence;
    }));
    RC_ASSERT(survives(Grant{any_number(), {any_number(), any_number()}}, [](const Grant& a, const Grant& b) {
      return a.acknowledged == b.acknowledged && a.limit == b.limit;
    }));
    const auto from = any_number() / 2;
    const auto length = any_number() / 2;
    const auto count = *rc::gen::element<std::optional<std::uint64_t>>(std::nullopt, 0, length);
    RC_ASSERT(survives(Gap{from, from + length, count, any_bytes()}, [](const Gap& a, const Gap& b) {
      return a.from == b.from && a.upto == b.upto && a.count == b.count && a.reason == b.reason;
    }));
    RC_ASSERT(survives(Mark{any_number()}, [](const Mark& a, const Mark& b) { return a.upto == b.upto; }));
    RC_ASSERT(survives(End{any_number()}, [](const End& a, const End& b) { return a.upto == b.upto; }));
    RC_ASSERT(survives(Cancel{any_bytes(), any_bytes()},
                       [](const Cancel& a, const Cancel& b) { return a.reason == b.reason && a.detail == b.detail; }));
    RC_ASSERT(survives(Refuse{any_number(), any_bytes()},
                       [](const Refuse& a, const Refuse& b) { return a.number == b.number && a.detail == b.detail; }));
    RC_ASSERT(survives(Offer{any_id(), any_id(), any_id(), *rc::gen::arbitrary<bool>(), any_silence()},
                       [](const Offer& a, const Offer& b) {
                         return a.stage == b.stage && a.publisher == b.publisher && a.stream == b.stream &&
                                a.values == b.values && a.silence == b.silence;
                       }));
  }));
}

// ---- hostile bytes

std::string any_batch(std::uint64_t from) {
  std::vector<Event> events;
  const int size = *rc::gen::inRange(0, 5);
  for (int i = 0; i < size; ++i) {
    events.push_back({any_bytes(), std::string(static_cast<std::size_t>(*rc::gen::inRange(0, 300)), 'p'),
                      *rc::gen::arbitrary<bool>() ? Encoding::raw : Encoding::msgpack});
  }
  return *rc::gen::arbitrary<bool>() ? batch(from, from + 10, events) : tight_batch(from, from + 10, events);
}

/// A good frame, and then a few changes: bytes set, left out, said twice, cut off.
std::string any_frame() {
  std::string frame;
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return any_bytes();
    case 1: {
      const auto messages = any_messages();
      frame = messages[*rc::gen::inRange<std::size_t>(0, messages.size())];
      break;
    }
    default:
      for (int i = *rc::gen::inRange(1, 4); i > 0; --i) frame += any_batch(static_cast<std::uint64_t>(10 * i));
  }
  for (int changes = *rc::gen::inRange(0, 4); changes > 0 && !frame.empty(); --changes) {
    const auto place = *rc::gen::inRange<std::size_t>(0, frame.size());
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        frame[place] = *rc::gen::arbitrary<char>();
        break;
      case 1:
        frame.erase(place, 1 + *rc::gen::inRange<std::size_t>(0, 8));
        break;
      case 2:
        frame.insert(place, frame.substr(place / 2, 8));
        break;
      default:
        frame.resize(place);
    }
  }
  return frame;
}

TEST_CASE("no bytes make the reading of messages and batches do what it must not") {
  CHECK(rc::check("decode, read_batch_header, EventReader", [] {
    const std::string frame = any_frame();
    // In memory of exactly this size, so that a look behind its end is noticed by AddressSanitizer.
    const std::vector<char> exact(frame.begin(), frame.end());
    const std::string_view bytes(exact.data(), exact.size());
    decode(bytes);
    std::string_view rest = bytes;
    if (const auto header = read_batch_header(rest)) {
      RC_ASSERT(header->bytes <= rest.size());
      RC_ASSERT(header->count <= header->upto - header->from);
    } else {
      RC_ASSERT(rest.size() == bytes.size());
    }
    for (std::size_t start = 0; start < bytes.size(); start += 1 + bytes.size() / 7) {
      EventReader reader(bytes.substr(start));
      std::size_t left = reader.rest().size();
      for (EventView event; reader.next(event);) {
        RC_ASSERT(reader.rest().size() + event.topic.size() + event.payload.size() < left);
        left = reader.rest().size();
      }
      RC_ASSERT(reader.rest().size() == left);
    }
  }));
}

TEST_CASE("no frames make an inlet do what it must not, nor hand out more than it granted") {
  CHECK(rc::check("Inlet::handle, next", [] {
    const Demand demand{*rc::gen::inRange<std::uint64_t>(1, 20), 0, *rc::gen::inRange<std::uint64_t>(1, 3000)};
    Inlet inlet({.demand = demand}, at(0));
    std::uint64_t granted = demand.max_events;
    std::uint64_t got = 0;
    if (*rc::gen::inRange(0, 10) > 0) inlet.handle(encode(Accept{id(1), {id(2), 0}, std::chrono::seconds(1)}), at(0));
    for (int frames = *rc::gen::inRange(1, 6); frames > 0; --frames) {
      const std::string frame = any_frame();
      const std::vector<char> exact(frame.begin(), frame.end());
      if (inlet.handle({exact.data(), exact.size()}, at(0)) == Inlet::Input::events) {
        for (EventView event; inlet.next(event); inlet.handled()) {
          std::string(event.topic).append(event.payload);
          ++got;
        }
      }
      RC_ASSERT(got <= granted);
      RC_ASSERT(inlet.poll_gaps().size() <= Inlet::max_gaps);
      if (const auto grant = inlet.poll_grant(true, at(0))) granted = expect<Grant>(*grant).limit.events;
      if (!inlet.failure().reason.empty()) inlet.farewell();
    }
  }));
}

Subscribe any_subscribe() {
  Subscribe wish{{},
                 *rc::gen::arbitrary<bool>() ? id(3) : Id{},
                 any_number(),
                 "",
                 any_selection(),
                 {any_number(), any_number()},
                 any_silence()};
  if (*rc::gen::arbitrary<bool>()) wish.identity = "i";
  if (*rc::gen::inRange(0, 3) == 0) {  // of this stream, or of another producer's of that name
    wish.resume = Place{id(static_cast<std::uint8_t>(*rc::gen::inRange(2, 4))), *rc::gen::inRange<std::uint64_t>(0, 40),
                        *rc::gen::inRange<std::uint64_t>(0, 4)};
  }
  return wish;
}

Outlet::Options any_outlet(std::uint64_t limit) {
  Outlet::Options options{.stage = id(1), .stream = id(2), .buffer = {.limit_bytes = limit}};
  options.buffer.limit_events = *rc::gen::element<std::uint64_t>(0, 0, 2, 10);
  options.buffer.retain_bytes = *rc::gen::element<std::uint64_t>(0, 1000, 16 << 10);
  options.buffer.when_full = *rc::gen::element(WhenFull::wait, WhenFull::keep_last, WhenFull::keep_first);
  options.hold = std::chrono::seconds(*rc::gen::element(0, 1, 3600));
  if (*rc::gen::arbitrary<bool>()) options.expect = {"i"};
  return options;
}

/// All that an outlet sends can be read by its other half, and so can its accounts.
void check_readable(Outlet& outlet, Time now) {
  std::vector<Parcel> parcels;
  outlet.poll(parcels, now);
  for (Parcel& parcel : parcels) {
    const std::string_view frame = parcel.view();
    const bool is_read = starts_with_batch(frame) ? read_batches(frame).has_value() : decode(frame).has_value();
    RC_ASSERT(is_read);
    if (parcel.segment != nullptr) parcel.segment->release();
  }
  Report report;
  report.subscribers = outlet.links();
  report.drops = outlet.buffer().drops().counts();
  RC_ASSERT(decode_report(encode(report)).has_value());
}

TEST_CASE("no messages make an outlet do what it must not, hold more than it may, or say what nobody can read") {
  CHECK(rc::check("Outlet::handle", [] {
    const std::uint64_t limit = 32 << 10;
    Time now = at(0);
    Outlet outlet(any_outlet(limit), now);
    for (int steps = *rc::gen::inRange(1, 60); steps > 0; --steps) {
      const std::string peer(1, static_cast<char>('a' + *rc::gen::inRange(0, 3)));
      switch (*rc::gen::inRange(0, 11)) {
        case 0:
        case 1:
          outlet.handle(peer, any_subscribe(), now);
          break;
        case 2:
          outlet.handle(peer, Grant{*rc::gen::inRange<std::uint64_t>(0, 9), {any_number(), any_number()}}, now);
          break;
        case 3: {
          const auto messages = any_messages();
          outlet.handle(peer, *decode(messages[*rc::gen::inRange<std::size_t>(0, messages.size())]), now);
          break;
        }
        case 4:
          outlet.handle_gone(peer, now);
          break;
        case 5:
          now += std::chrono::milliseconds(*rc::gen::inRange(0, 9000));
          outlet.handle_time(now);
          break;
        case 6:
        case 7:
          check_readable(outlet, now);
          break;
        default: {
          const std::string payload(static_cast<std::size_t>(*rc::gen::inRange(0, 5000)), 'p');
          outlet.append({*rc::gen::arbitrary<bool>() ? "t" : "", payload});
        }
      }
      RC_ASSERT(outlet.buffer().charged() <= limit);
    }
    if (*rc::gen::arbitrary<bool>()) outlet.drain();
    outlet.end();
    check_readable(outlet, now);
  }));
}

// ---- a publisher and its subscribers

const Selection& selection(int number) {
  static const Selection all[] = {Selection(),
                                  topics({"a"}),
                                  topics({"a", "bb"}),
                                  prefixes({"b"}),
                                  prefixes({"a", "ba"}),
                                  topics({"c"}),
                                  Selection({{true, "bb"}, {false, "a"}})};
  return all[static_cast<std::size_t>(number) % std::size(all)];
}

Demand demand(int number) {
  static const Demand all[] = {{1000, 500, 1 << 20}, {1, 0, 1 << 20}, {2, 1, 1 << 20}, {3, 0, 1 << 20},
                               {100, 80, 2000},      {100, 20, 300},  {10, 5, 1},      {1 << 20, 1 << 19, 1 << 16},
                               {7, 6, 100}};
  return all[static_cast<std::size_t>(number) % std::size(all)];
}

/// Something that happens, with two numbers that mean what the kind makes of them.
struct Step {
  int kind;
  int a;
  int b;
};

void showValue(const Step& step, std::ostream& out) {
  out << '{' << step.kind << ", " << step.a << ", " << step.b << '}';
}

void take(Loop& loop, const Step& step) {
  static const char* const names[] = {"a", "b", "bb", "ba", "c", "d"};
  static const std::size_t sizes[] = {8, 8, 20, 100, 250, 251, 300, 1000, 3000, 9000, 70'000};
  const auto pick = [&]() -> Loop::Consumer* {
    auto& all = loop.consumers();
    if (all.empty()) return nullptr;
    return std::next(all.begin(), step.a % static_cast<int>(all.size()))->second.get();
  };
  Loop::Consumer* consumer = pick();
  switch (step.kind) {
    case 0:
    case 1:
    case 2:
    case 3:
      for (int i = 0; i <= step.b % 8; ++i) {
        loop.append(names[static_cast<std::size_t>(step.a + i) % std::size(names)],
                    sizes[static_cast<std::size_t>(step.a / 6 + i * step.b) % std::size(sizes)]);
      }
      return;
    case 4:
      loop.adopt({"a", names[static_cast<std::size_t>(step.a) % std::size(names)], "c"},
                 sizes[static_cast<std::size_t>(step.b) % std::size(sizes)]);
      return;
    case 5:
    case 6:
      loop.poll();
      return;
    case 7:
      loop.connect("consumer " + std::to_string(step.a % 5), selection(step.b), demand(step.b / 7));
      return;
    case 8:
      if (step.b % 4 == 0) loop.disconnect("consumer " + std::to_string(step.a % 5));
      return;
    case 9:
      loop.release(static_cast<std::size_t>(step.b));
      return;
    case 10:
      if (step.b % 10 == 0) loop.pass_time(std::chrono::milliseconds(100 * step.a));
      return;
    default:
      break;
  }
  if (consumer == nullptr) return;
  switch (step.kind) {
    case 11:
    case 12:
      loop.deliver_up(*consumer);
      return;
    case 13:
    case 14:
      loop.deliver_down(*consumer);
      return;
    case 15:
    case 16:
      loop.handle(*consumer, static_cast<std::uint64_t>(step.b));
      return;
    case 18:
      loop.reconnect(*consumer, static_cast<std::size_t>(step.b % 5), step.a % 2 == 0);
      return;
    default:
      loop.idle(*consumer);
      return;
  }
}

rc::Gen<std::vector<Step>> any_steps(int kinds = 18) {
  return rc::gen::scale(8.0, rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(
                                 rc::gen::inRange(0, kinds), rc::gen::inRange(0, 60), rc::gen::inRange(0, 60))));
}

void play(Loop& loop, const std::vector<Step>& steps) {
  try {
    for (const Step& step : steps) take(loop, step);
    loop.settle();
    loop.check_settled();
    // And it goes on from there: nothing is left that would keep the next event out.
    if (!loop.consumers().empty()) {
      for (const char* topic : {"a", "b", "bb", "c", "d"}) {
        Loop::require(loop.append(topic, 8) != Outlet::Answer::full, "full, though everything is acknowledged");
        loop.settle();
      }
      loop.check_settled();
    }
  } catch (const Loop::Wrong& wrong) {
    RC_FAIL(wrong.what);
  }
}

void run(WhenFull when_full) {
  Buffer::Options buffer;
  buffer.limit_bytes = *rc::gen::element<std::uint64_t>(4 << 10, 16 << 10, 64 << 10, 100'000, 1 << 20, 16 << 20);
  buffer.limit_events = *rc::gen::element<std::uint64_t>(0, 0, 0, 1, 3, 50);
  buffer.retain_bytes = *rc::gen::element<std::uint64_t>(0, 0, 5000, 1 << 20);
  buffer.when_full = when_full;
  Outlet::Options options{.stage = id(1), .stream = id(2), .buffer = buffer};
  options.max_in_flight_bytes = *rc::gen::element<std::uint64_t>(1, 500, 20'000, 16 << 20);
  const auto steps = *any_steps();

  Loop loop(options);
  play(loop, steps);
}

/// Links break at any moment and come back; there is room for all, so nothing need be lost.
void run_with_breaks() {
  Outlet::Options options{.stage = id(1), .stream = id(2), .buffer = {.limit_bytes = 64 << 20}};
  options.hold = std::chrono::hours(1);
  options.max_in_flight_bytes = *rc::gen::element<std::uint64_t>(1, 500, 20'000, 16 << 20);
  const auto steps = *any_steps(19);
  Loop loop(options);
  play(loop, steps);
}

TEST_CASE("a subscription whose link breaks goes on where it stood: everything once, in order, nothing lost") {
  CHECK(rc::check("breaks", run_with_breaks));
}

TEST_CASE(
    "with wait, everything selected arrives once and in order, within credit and memory, and nothing gets stuck") {
  CHECK(rc::check("wait", [] { run(WhenFull::wait); }));
}

TEST_CASE("with keep_last, what arrives and what is told to be dropped make up what was selected") {
  CHECK(rc::check("keep_last", [] { run(WhenFull::keep_last); }));
}

TEST_CASE("with keep_first, what arrives and what is told to be dropped make up what was selected") {
  CHECK(rc::check("keep_first", [] { run(WhenFull::keep_first); }));
}

}  // namespace
}  // namespace galena::core::test
