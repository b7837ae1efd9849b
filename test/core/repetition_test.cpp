// SPDX-License-Identifier: Apache-2.0
#include "galena/core/repetition.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "frames.hpp"

namespace galena::core::test {
namespace {

using Verdict = Repetition::Verdict;
const Id stream = id(9);

Accept accepted_at(const Place& place, std::optional<Place> repeated = {}) {
  Accept accept{id(1), place};
  accept.repeated = repeated;
  return accept;
}

/// One letter for each event of the batch: fresh, doubtful, handled.
std::string verdicts(Repetition& repetition, const BatchHeader& header) {
  repetition.begin_batch(header, stream);
  std::string letters;
  for (std::uint64_t number = header.first; number < header.first + header.count; ++number) {
    letters += "fdh"[static_cast<int>(repetition.judge(number, number > header.first ? 1 : 0))];
  }
  const bool judged = repetition.must_judge();
  repetition.end_batch(header.first + header.count);
  return judged ? letters : letters + " all";
}

std::string after(const std::optional<Place>& handled, BatchHeader header) {
  Seen seen;
  if (handled) seen.record(*handled);
  Repetition repetition(&seen);
  header.count = 3;
  return verdicts(repetition, header);
}

TEST_CASE("a batch against the place up to which its stream was handled: each row of the table") {
  CHECK(after({}, {.from = 4, .upto = 8}) == "fff all");
  CHECK(after(Place{id(7), 9, 0}, {.from = 4, .upto = 8}) == "fff all");
  CHECK(after(Place{stream, 3, 9}, {.from = 4, .upto = 8}) == "fff all");
  CHECK(after(Place{stream, 4, 2}, {.from = 4, .upto = 8}) == "hhf");
  CHECK(after(Place{stream, 4, 2}, {.from = 4, .upto = 8, .flags = flag_recut}) == "hhf");
  CHECK(after(Place{stream, 4, 2}, {.from = 4, .upto = 8, .first = 1}) == "hff");
  CHECK(after(Place{stream, 6, 0}, {.from = 4, .upto = 8}) == "fff all");
  CHECK(after(Place{stream, 6, 0}, {.from = 4, .upto = 8, .flags = flag_recut}) == "ddd");
  CHECK(after(Place{stream, 8, 0}, {.from = 4, .upto = 8}) == "hhh");
  CHECK(after(Place{stream, 9, 0}, {.from = 4, .upto = 8, .flags = flag_recut}) == "hhh");
  CHECK(after({}, {.from = 4, .upto = 8, .flags = flag_repeated}) == "ddd");
  CHECK(after(Place{stream, 4, 1}, {.from = 4, .upto = 8, .flags = flag_repeated}) == "hdd");
}

TEST_CASE("what was handled goes on over batches that are cut smaller than it") {
  Seen seen;
  seen.record(Place{stream, 4, 5});
  Repetition repetition(&seen);
  CHECK(verdicts(repetition, {.count = 3, .from = 4, .upto = 7, .flags = flag_recut}) == "hhh");
  CHECK(verdicts(repetition, {.count = 3, .from = 7, .upto = 10, .flags = flag_recut}) == "hhf");
  CHECK(verdicts(repetition, {.count = 3, .from = 10, .upto = 13, .flags = flag_recut}) == "fff all");
}

TEST_CASE("behind a gap in what is replayed, as many events are doubtful as may have been handled") {
  Seen seen;
  seen.record(Place{stream, 4, 5});
  Repetition repetition(&seen);
  CHECK(verdicts(repetition, {.count = 3, .from = 6, .upto = 9, .flags = flag_recut}) == "ddd");
  CHECK(verdicts(repetition, {.count = 3, .from = 9, .upto = 12, .flags = flag_recut}) == "ddf");
  CHECK(verdicts(repetition, {.count = 1, .from = 12, .upto = 13, .flags = flag_recut}) == "f all");
}

TEST_CASE(
    "what was handled of a batch is doubtful behind what is replayed from before it, whatever is marked between") {
  Seen seen;
  seen.record(Place{stream, 5, 2});  // of a batch that is cut otherwise now
  Repetition repetition(&seen);
  CHECK(verdicts(repetition, {.count = 2, .from = 4, .upto = 6, .flags = flag_recut}) == "dd");
  repetition.handle_mark({stream, 6, 0});
  CHECK(verdicts(repetition, {.count = 3, .from = 6, .upto = 9, .flags = flag_recut}) == "ddf");
  CHECK(verdicts(repetition, {.count = 1, .from = 9, .upto = 10}) == "f all");
}

TEST_CASE("a mark inside a batch that comes later hides nothing of it, though two links break within it") {
  Seen seen;
  seen.record(Place{stream, 6, 0});  // the mark
  const BatchHeader batch{.count = 3, .from = 4, .upto = 8};
  for (std::uint64_t handled = 0; handled < 3; ++handled) {
    Repetition repetition(&seen);
    repetition.begin_batch(batch, stream);
    for (std::uint64_t number = 0; number <= handled; ++number) {
      CHECK(repetition.judge(number, 0) == (number < handled ? Verdict::handled : Verdict::fresh));
    }
    repetition.record_handled(Place{stream, 4, handled + 1});
  }
}

TEST_CASE("what the publisher sent before is doubtful, unless the consumer remembers what it handled itself") {
  const auto first_batch = [](bool remembers, const std::optional<Standing>& previous) {
    Repetition repetition(nullptr);
    repetition.handle_accept(accepted_at({stream, 4}, Place{stream, 4, 2}), previous, remembers);
    return verdicts(repetition, {.count = 3, .from = 4, .upto = 8});
  };
  CHECK(first_batch(false, {}) == "ddf");
  CHECK(first_batch(true, {}) == "fff all");
  CHECK(first_batch(true, Standing{.place = {stream, 4}}) == "fff all");
  // It never knew what a predecessor of the same identity had handled.
  CHECK(first_batch(true, Standing{.place = {stream, 4}, .repeated = Place{stream, 5, 0}}) == "ddd");
  CHECK(first_batch(true, Standing{.place = {id(7), 4}, .repeated = Place{id(7), 5, 0}}) == "fff all");
}

TEST_CASE("what one relay made of an input is known again in what another relay makes of it") {
  Seen seen;
  Repetition repetition(&seen);
  repetition.begin_batch({.count = 3, .from = 0, .upto = 3, .origin = {{id(5), 40, 6}, 0}}, stream);
  for (const std::uint32_t step : {0U, 0U, 2U}) {  // two parts of event 6, and one of event 8
    CHECK(repetition.judge(0, step) == Verdict::fresh);
    repetition.record_handled();
  }
  repetition.end_batch(3);
  Repetition other(&seen);
  CHECK(verdicts(other, {.count = 4, .from = 70, .upto = 80, .origin = {{id(5), 40, 7}, 0}}) == "hhff");
  CHECK(verdicts(other, {.count = 1, .from = 80, .upto = 81, .origin = {{id(5), 40, 8}, 1}}) == "f");
}

TEST_CASE("what was handled directly is known again in what a relay makes of it, and the other way round") {
  Seen seen;
  seen.record(Place{stream, 10, 2});
  CHECK(seen.contains(Origin{{stream, 10, 1}, 7}));  // made from the second event of the batch
  CHECK_FALSE(seen.contains(Origin{{stream, 10, 2}, 0}));
  seen.record(Origin{{stream, 10, 4}, 1});  // more parts of the fifth event may follow
  CHECK(seen.contains(Origin{{stream, 10, 4}, 1}));
  CHECK_FALSE(seen.contains(Origin{{stream, 10, 4}, 2}));
  REQUIRE(seen.place(stream) != nullptr);
  CHECK(*seen.place(stream) == Place{stream, 10, 4});
  CHECK(seen.place(id(7)) == nullptr);
}

/// What is new of a gap, as "from-upto count", behind a link that told [39, 235) with 100 events.
std::string news(const Gap& gap, const Place& begins = {stream, 39}, const Place& stood = {stream, 39}) {
  Repetition repetition(nullptr);
  repetition.handle_accept(accepted_at(begins), Standing{.place = stood, .told = {39, 235, 100}}, true);
  const auto news = repetition.news_of(gap, false);
  if (!news) return "nothing";
  return std::to_string(news->from) + "-" + std::to_string(news->upto) + " " +
         (news->count ? std::to_string(*news->count) : "?");
}

TEST_CASE("of a gap only what was not told before is new, and its events are counted only if they can be") {
  CHECK(news({39, 235, 100, "full"}) == "nothing");
  CHECK(news({39, 100, 5, "full"}) == "nothing");
  CHECK(news({300, 310, 5, "full"}) == "300-310 5");
  CHECK(news({39, 435, 250, "full"}) == "235-435 150");
  CHECK(news({40, 435, 250, "full"}) == "235-435 ?");                            // another gap
  CHECK(news({39, 435, 250, "full"}, {stream, 38}) == "235-435 ?");              // the link begins elsewhere
  CHECK(news({39, 435, 250, "full"}, {stream, 39}, {id(7), 39}) == "39-435 ?");  // some may be in the other stream
}

TEST_CASE("a gap that begins below what was sent before is not counted: some of it may have been handled") {
  Repetition repetition(nullptr);
  repetition.handle_accept(accepted_at({stream, 0}, Place{stream, 8, 0}), {}, false);
  CHECK_FALSE(repetition.news_of({2, 10, 3, "full"}, true)->count);
  CHECK(repetition.news_of({10, 12, 2, "full"}, true)->count == 2U);
  CHECK(repetition.told().upto == 12);
}

TEST_CASE("what is remembered to be handled never goes back, unless that is what is asked for") {
  Seen seen;
  seen.record(Place{stream, 5, 2});
  seen.record(Place{stream, 5, 1});
  seen.record(Place{stream, 3, 9});
  CHECK(*seen.place(stream) == Place{stream, 5, 2});
  seen.record(Origin{{stream, 5, 1}, 7});
  CHECK(*seen.place(stream) == Place{stream, 5, 2});
  seen.go_back(Place{stream, 3, 0});
  CHECK(*seen.place(stream) == Place{stream, 3, 0});
}

}  // namespace
}  // namespace galena::core::test
