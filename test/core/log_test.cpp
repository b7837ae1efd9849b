// SPDX-License-Identifier: Apache-2.0
#include "galena/core/log.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"

namespace galena::core::test {
namespace {

constexpr std::uint32_t largest = 4096;

struct LogFixture {
  SegmentPool pool{largest};
  Log log{pool, 10};

  /// An event of exactly `size` bytes in the log.
  void append(std::uint64_t position, std::size_t size) {
    const std::string payload(size - 5 - (size > 260 ? 1 : 0), 'p');
    const EventView event{"t", payload};
    REQUIRE(event_bytes(event) == size);
    const std::uint64_t before = pool.charged();
    const std::uint32_t growth = log.growth(size);
    const std::uint64_t old = log.charged();
    log.append(event, size, position);
    CHECK(pool.charged() <= before + growth);  // less only if a segment that nobody needs went
    CHECK(log.charged() <= old + growth);
  }
  Batch batch(std::uint64_t number) {
    const auto batches = read_batches(log.at(number).batch());
    REQUIRE(batches);
    REQUIRE(batches->size() == 1);
    return batches->front();
  }
  void evict_all() {
    log.move_floor(log.end());
    while (log.first() < log.floor()) log.evict();
  }
};

TEST_CASE_FIXTURE(LogFixture, "events gather in the open batch until it is sealed, which says how far it speaks") {
  append(12, 100);
  append(13, 50);
  CHECK(log.end() == 0);
  CHECK(log.has_open());
  CHECK(log.open_bytes() == batch_header_bytes + 150);
  CHECK(log.held_events() == 2);
  log.seal(20);
  CHECK(log.end() == 1);
  CHECK(!log.has_open());
  CHECK(log.covered() == 20);
  CHECK(batch(0).header == BatchHeader{150, 2, 10, 20, 0});
  CHECK(batch(0).events.size() == 2);
  log.seal(30);  // nothing is open: nothing to say
  CHECK(log.end() == 1);
  CHECK(log.covered() == 20);
  append(35, 60);
  log.seal(36);
  CHECK(batch(1).header == BatchHeader{60, 1, 20, 36, 0});
  CHECK(log.at(1).offset == batch_header_bytes + 150);
  CHECK(log.written() == 2 * batch_header_bytes + 210);
}

TEST_CASE_FIXTURE(LogFixture, "a full segment is followed by a larger one, and goes with its last item") {
  for (std::uint64_t position = 10; position < 18; ++position) append(position, 200);  // 4 in 1 KiB, then 4 KiB
  CHECK(log.charged() == 1024 + 4096);
  CHECK(pool.charged() == 1024 + 4096);
  CHECK(log.end() == 1);
  CHECK(batch(0).header == BatchHeader{800, 4, 10, 14, 0});
  log.seal(18);
  CHECK(batch(1).header == BatchHeader{800, 4, 14, 18, 0});
  log.move_floor(1);
  CHECK(log.held_events() == 4);
  CHECK(log.charged() == 1024 + 4096);  // below the floor: a cache
  log.evict();
  CHECK(log.first() == 1);
  CHECK(log.charged() == 4096);
  CHECK(pool.charged() == 4096);
}

TEST_CASE_FIXTURE(LogFixture, "an event larger than any segment gets one of its own size") {
  append(10, 10'000);
  CHECK(log.charged() == 10'000 + origin_header_bytes);
  append(11, 100);
  CHECK(log.charged() == 10'000 + origin_header_bytes + largest);
  CHECK(batch(0).events.size() == 1);
}

TEST_CASE_FIXTURE(LogFixture, "memory is written again from its start when nobody needs what was in it") {
  append(10, 900);
  log.seal(11);
  CHECK(log.growth(900) == 4096);
  evict_all();
  CHECK(log.growth(900) == 0);
  append(11, 900);
  log.seal(12);
  CHECK(log.charged() == 1024);
  CHECK(log.at(1).begin == 0);

  Segment* segment = log.at(1).segment;
  segment->pin();  // as libzmq does
  evict_all();
  CHECK(log.growth(900) == 4096);
  append(12, 900);
  CHECK(pool.charged() == 1024 + 4096);
  CHECK(log.charged() == 4096);
  segment->release();
}

TEST_CASE_FIXTURE(LogFixture, "a gap that stands last does not keep memory") {
  append(10, 900);
  log.seal(11);
  log.omit(11);
  log.move_floor(1);
  log.evict();
  CHECK(log.growth(900) == 0);
  log.release_idle_segment();
  CHECK(log.charged() == 0);
  CHECK(pool.charged() == 0);
}

TEST_CASE_FIXTURE(LogFixture, "an idle segment is given back only if nothing lies in it") {
  log.release_idle_segment();
  append(10, 100);
  log.release_idle_segment();
  CHECK(log.charged() == 1024);
  log.seal(11);
  log.release_idle_segment();
  CHECK(log.charged() == 1024);
  evict_all();
  CHECK(log.charged() == 1024);
  log.release_idle_segment();
  CHECK(log.charged() == 0);
  CHECK(pool.charged() == 0);
  append(11, 100);
  CHECK(log.charged() == 1024);
}

TEST_CASE_FIXTURE(LogFixture, "a run of omissions is one gap, until an event or a reader comes after it") {
  append(10, 100);
  log.omit(11);
  log.omit(14);
  CHECK(log.end() == 2);
  CHECK(batch(0).header == BatchHeader{100, 1, 10, 11, 0});
  CHECK(log.at(1).is_gap());
  CHECK(log.at(1).count == 2);
  CHECK(log.at(1).from == 11);
  CHECK(log.at(1).upto == 15);
  CHECK(log.covered() == 15);
  CHECK(log.held_events() == 1);
  log.close_gap();
  log.omit(15);
  CHECK(log.end() == 3);
  CHECK(log.at(2).from == 15);
  append(17, 100);
  log.omit(18);
  CHECK(log.end() == 5);
  CHECK(batch(3).header == BatchHeader{100, 1, 16, 18, 0});
  CHECK(log.at(4).count == 1);
  // One segment holds both batches; the gaps between them do not make it go too early.
  log.move_floor(5);
  while (log.first() < 3) log.evict();
  CHECK(log.charged() == 1024);
  CHECK(batch(3).events.size() == 1);
}

TEST_CASE_FIXTURE(LogFixture, "omissions that nobody waits for are still one gap, not one each") {
  for (std::uint64_t position = 10; position < 1000; ++position) {
    log.omit(position);
    log.move_floor(log.end());
  }
  CHECK(log.end() - log.first() == 1);
}

TEST_CASE_FIXTURE(LogFixture, "a gap of unknown size stands where it was") {
  append(11, 100);
  log.record_gap(12, 20, 8);
  log.omit(20);
  CHECK(log.end() == 3);
  CHECK(batch(0).header.upto == 12);
  CHECK(!log.at(1).exact);
  CHECK(log.at(1).from == 12);
  CHECK(log.at(1).upto == 20);
  CHECK(log.at(2).exact);
  CHECK(log.at(2).count == 1);
}

TEST_CASE("a batch is sealed by itself when it has grown to the most that credit should have to cut") {
  SegmentPool pool(256 * 1024);
  Log log(pool, 0);
  const std::string payload(995, 'p');
  for (std::uint64_t position = 0; position < 100; ++position) {
    const EventView event{"t", payload};
    log.append(event, event_bytes(event), position);
    CHECK(log.open_bytes() < Log::max_batch_bytes + event_bytes(event));
  }
  std::uint64_t events = 0;
  for (std::uint64_t number = 0; number < log.end(); ++number) events += log.at(number).count;
  CHECK(log.end() > 1);
  log.seal(100);
  CHECK(events + log.at(log.end() - 1).count == 100);
}

TEST_CASE("a log gives everything back when it goes") {
  SegmentPool pool(4096);
  {
    Log log(pool, 0);
    for (std::uint64_t position = 0; position < 100; ++position) log.append({"t", "payload"}, 12, position);
    log.seal(100);
    log.omit(100);
    for (std::uint64_t position = 101; position < 500; ++position) log.append({"t", "payload"}, 12, position);
    CHECK(pool.charged() > 4096);
  }
  CHECK(pool.charged() == 0);
}

}  // namespace
}  // namespace galena::core::test
