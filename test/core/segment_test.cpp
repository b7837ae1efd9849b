// SPDX-License-Identifier: Apache-2.0
#include "galena/core/segment.hpp"

#include <doctest/doctest.h>

namespace galena::core {
namespace {

TEST_CASE("segments grow fourfold from 1 KiB to the largest, and beyond it only for what needs it") {
  const SegmentPool pool(256 * 1024);
  CHECK(pool.next_capacity(0, 10) == 1024);
  CHECK(pool.next_capacity(1024, 10) == 4096);
  CHECK(pool.next_capacity(65536, 10) == 256 * 1024);
  CHECK(pool.next_capacity(256 * 1024, 10) == 256 * 1024);
  CHECK(pool.next_capacity(0, 1025) == 4096);
  CHECK(pool.next_capacity(0, 65537) == 256 * 1024);
  CHECK(pool.next_capacity(0, 300'000) == 300'000);
  CHECK(pool.next_capacity(300'000, 10) == 256 * 1024);
  CHECK(SegmentPool(3000).next_capacity(1024, 10) == 3000);
}

TEST_CASE("a segment is charged until its log is done with it and nobody else holds it") {
  SegmentPool pool(4096);
  Segment* one = pool.take(1024);
  Segment* two = pool.take(4096);
  CHECK(pool.charged() == 5120);
  two->pin();
  two->pin();
  pool.give_back(one);
  CHECK(pool.charged() == 4096);
  CHECK(!pool.awaiting_release());
  pool.give_back(two);
  CHECK(pool.charged() == 4096);
  CHECK(pool.awaiting_release());
  CHECK(!pool.reclaim());
  two->release();
  CHECK(!pool.reclaim());
  CHECK(pool.charged() == 4096);
  two->release();
  CHECK(pool.reclaim());
  CHECK(!pool.reclaim());
  CHECK(pool.charged() == 0);
  CHECK(!pool.awaiting_release());
}

TEST_CASE("a segment of the largest size is used again") {
  SegmentPool pool(4096);
  Segment* first = pool.take(4096);
  pool.give_back(first);
  CHECK(pool.charged() == 0);
  CHECK(pool.take(4096) == first);
  CHECK(pool.charged() == 4096);
  pool.give_back(first);
}

TEST_CASE("what somebody still holds outlives the pool") {
  Segment* segment = nullptr;
  {
    SegmentPool pool(4096);
    segment = pool.take(1024);
    segment->pin();
    pool.give_back(segment);
  }
  segment->data()[1023] = 'x';
  CHECK(segment->unshared());
  segment->release();
}

}  // namespace
}  // namespace galena::core
