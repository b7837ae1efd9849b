// SPDX-License-Identifier: Apache-2.0
#include "galena/core/batch.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"

namespace galena::core::test {
namespace {

/// What the reader makes of the bytes of one batch's events.
std::vector<Event> read_events(std::string_view bytes, bool& all) {
  std::vector<Event> events;
  EventReader reader(bytes);
  for (EventView event; reader.next(event);) events.push_back(copy(event));
  all = reader.rest().empty();
  return events;
}

TEST_CASE("a header takes 32 bytes of fixed width, as PROTOCOL.md shows them") {
  std::string bytes(batch_header_bytes, '\0');
  write_batch_header(bytes.data(), {0x01020304, 5, 6, 0x0708090a0b0c0d0e, 0x1011});
  CHECK(bytes == bytes_of({0x95, 0xce, 1, 2, 3,    4, 0xce, 0, 0,    0,    5,    0xcf, 0,    0,    0,    0,
                           0,    0,    0, 6, 0xcf, 7, 8,    9, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0xcd, 0x10, 0x11}));
}

TEST_CASE("a batch of two events reads as it was written, byte for byte") {
  const std::string frame = batch(7, 9, {{"a", "xy"}, {"b", "\x01", Encoding::msgpack}});
  CHECK(frame == bytes_of({0x95, 0xce, 0,   0,    0,    14,  0xce, 0,    0, 0,   2,    0xcf, 0, 0,    0, 0,
                           0,    0,    0,   7,    0xcf, 0,   0,    0,    0, 0,   0,    0,    9, 0xcd, 0, 0,
                           0xc4, 1,    'a', 0xc4, 2,    'x', 'y',  0xc4, 1, 'b', 0xc7, 1,    1, 1}));
  const auto batches = read_batches(frame);
  REQUIRE(batches);
  REQUIRE(batches->size() == 1);
  CHECK(batches->front().header == BatchHeader{14, 2, 7, 9, 0});
  CHECK(batches->front().events == std::vector<Event>{{"a", "xy"}, {"b", "\x01", Encoding::msgpack}});
}

TEST_CASE("an event of every size around a width's end is read as written, and takes what event_bytes says") {
  for (const std::size_t topic : {0U, 1U, 255U, 256U, 65535U}) {
    for (const std::size_t payload : {0U, 1U, 255U, 256U, 65535U, 65536U}) {
      for (const Encoding encoding : {Encoding::raw, Encoding::msgpack}) {
        CAPTURE(topic);
        CAPTURE(payload);
        const Event event{std::string(topic, 't'), std::string(payload, 'p'), encoding};
        std::string bytes(event_bytes(event.view()), '\0');
        REQUIRE(write_event(bytes.data(), event.view()) == bytes.data() + bytes.size());
        bool all = false;
        const auto events = read_events(bytes + bytes, all);
        CHECK(all);
        REQUIRE(events.size() == 2);
        CHECK(events[0] == event);
        CHECK(events[1] == event);
        // Every cut of it is noticed.
        for (const std::size_t left : {bytes.size() - 1, bytes.size() / 2, std::size_t{1}}) {
          if (left >= bytes.size()) continue;
          CHECK(read_events(bytes.substr(0, left), all).empty());
          CHECK(!all);
        }
      }
    }
  }
}

TEST_CASE("an event without a topic and a payload, as default views, can be written") {
  std::string bytes(4, 'x');
  CHECK(event_bytes(EventView{}) == 4);
  CHECK(write_event(bytes.data(), EventView{}) == bytes.data() + 4);
  CHECK(bytes == bytes_of({0xc4, 0, 0xc4, 0}));
}

TEST_CASE("what other languages pack is read: the tightest header, topics as str, payloads as str, fixext and ext") {
  bool all = false;
  const auto batches = read_batches(tight_batch(3, 5, {{"topic", "payload"}, {"", ""}}));
  REQUIRE(batches);
  CHECK(batches->front().events == std::vector<Event>{{"topic", "payload"}, {"", ""}});

  CHECK(read_events(bytes_of({0xa1, 't', 0xa1, 'p'}), all) == std::vector<Event>{{"t", "p"}});
  CHECK(read_events(bytes_of({0xa0, 0xa0}), all) == std::vector<Event>{{"", ""}});  // the shortest there is
  CHECK(all);
  CHECK(read_events(bytes_of({0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0}), all).size() == 3);
  CHECK(read_events(bytes_of({0xd9, 1, 't', 0xda, 0, 1, 'p'}), all) == std::vector<Event>{{"t", "p"}});
  CHECK(read_events(bytes_of({0xc6, 0, 0, 0, 1, 't', 0xc6, 0, 0, 0, 1, 'p'}), all) == std::vector<Event>{{"t", "p"}});
  for (const int step : {0, 1, 2, 3, 4}) {  // fixext 1, 2, 4, 8, 16
    const std::string body(std::size_t{1} << step, '\x07');
    CHECK(read_events(bytes_of({0xa1, 't', 0xd4 + step, 1}) + body, all) ==
          std::vector<Event>{{"t", body, Encoding::msgpack}});
    CHECK(all);
  }
  CHECK(read_events(bytes_of({0xa1, 't', 0xc9, 0, 0, 0, 1, 1, 9}), all) ==
        std::vector<Event>{{"t", "\x09", Encoding::msgpack}});
  CHECK(read_events(bytes_of({0xc4, 1, 't', 0xd4, 1, 9}), all) == std::vector<Event>{{"t", "\x09", Encoding::msgpack}});
}

TEST_CASE("what is not an event ends the reading where it is") {
  bool all = true;
  for (const auto& bytes : {bytes_of({1, 2, 3, 4}), bytes_of({0xc4, 1, 't', 5}), bytes_of({0xa1, 't', 0xd4, 2, 9}),
                            bytes_of({0xa1, 't', 0xc0}), bytes_of({0xc4, 200, 't', 0xc4}),
                            bytes_of({0xc4, 0, 0xc4, 200}), bytes_of({0xc6, 0xff, 0xff, 0xff, 0xff, 't'})}) {
    CHECK(read_events(bytes, all).empty());
    CHECK(!all);
  }
  const std::string long_topic = bytes_of({0xc6, 0, 1, 0, 0}) + std::string(0x10000, 't') + bytes_of({0xc4, 0});
  CHECK(read_events(long_topic, all).empty());
  CHECK(EventReader().rest().empty());
  EventView event;
  CHECK(!EventReader().next(event));
}

TEST_CASE("a header is refused, and nothing consumed, if it contradicts itself or what follows it") {
  const auto header = [](std::uint64_t bytes, std::uint64_t count, std::uint64_t from, std::uint64_t upto,
                         std::uint64_t flags) {
    PackWriter writer;
    writer.array(5).uint(bytes).uint(count).uint(from).uint(upto).uint(flags);
    return writer.take() + std::string(20, '\xa0');
  };
  const auto reads = [](const std::string& frame) {
    std::string_view rest = frame;
    const auto result = read_batch_header(rest);
    CHECK(rest.size() == (result ? 20 : frame.size()));
    return result.has_value();
  };
  CHECK(reads(header(20, 10, 5, 15, 0)));
  CHECK(reads(header(0, 0, 5, 5, 0xffff)));
  CHECK(!reads(header(21, 1, 5, 15, 0)));        // more than follows
  CHECK(!reads(header(20, 11, 5, 500, 0)));      // events of less than two bytes
  CHECK(!reads(header(20, 10, 5, 14, 0)));       // two events at one position
  CHECK(!reads(header(20, 10, 5, 4, 0)));        // backwards
  CHECK(!reads(header(20, 1, 5, 15, 0x10000)));  // flags of more than 16 bits
  CHECK(!reads("\x94" + header(0, 0, 0, 0, 0)));
  CHECK(!reads(""));
  const std::string good = batch(0, 1, {{"t", "p"}});
  for (std::size_t size = 0; size < good.size(); ++size) CHECK(!reads(good.substr(0, size)));
}

TEST_CASE("a control message of five items is not taken for a batch") {
  CHECK(starts_with_batch(batch(0, 1, {{"t", "p"}})));
  CHECK(starts_with_batch(tight_batch(0, 1, {{"t", "p"}})));
  CHECK(!starts_with_batch(encode(Gap{1, 2, 1, "full"})));
  CHECK(!starts_with_batch(encode(Grant{1, {2, 3}})));
  CHECK(!starts_with_batch(""));
  CHECK(!starts_with_batch("\x95"));
}

}  // namespace
}  // namespace galena::core::test
