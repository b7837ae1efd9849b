// SPDX-License-Identifier: Apache-2.0
#include "galena/core/buffer.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "frames.hpp"

namespace galena::core::test {
namespace {

using Answer = Buffer::Answer;
using Counts = DropCounts;

struct Reader {
  Cursor cursor;
  std::uint64_t from = 0;
};

/// A buffer whose readers read and acknowledge by hand.
struct BufferFixture {
  std::unique_ptr<Buffer> buffer;
  std::vector<std::unique_ptr<Reader>> readers;

  void make(Buffer::Options options) { buffer = std::make_unique<Buffer>(options); }

  Answer append(const std::string& topic, std::size_t payload = 1) {
    const Answer answer = buffer->append({topic, std::string(payload, 'p')});
    CHECK(buffer->charged() <= limit());
    return answer;
  }
  Answer append_text(const std::string& topic, const std::string& payload) { return buffer->append({topic, payload}); }
  std::uint64_t limit() const { return limit_; }
  std::uint64_t limit_ = 64 << 20;

  Reader& attach(const Selection& selection = {}) {
    Reader& reader = *readers.emplace_back(std::make_unique<Reader>());
    reader.from = buffer->attach(reader.cursor, selection);
    return reader;
  }
  /// Everything that waits for it, as sent and acknowledged at once: payloads, or "(gap from-upto count)".
  std::vector<std::string> drain(Reader& reader) {
    std::vector<std::string> got;
    Cursor& cursor = reader.cursor;
    buffer->seal(*cursor.view);
    const Log& log = cursor.view->log;
    const auto tell = [&] {
      if (!cursor.gap) return;
      got.push_back("(" + cursor.gap->reason + " " + std::to_string(cursor.gap->from) + "-" +
                    std::to_string(cursor.gap->upto) + " " +
                    (cursor.gap->count ? std::to_string(*cursor.gap->count) : "?") + ")");
      cursor.gap.reset();
    };
    while (cursor.item < log.end()) {
      const Item& item = log.at(cursor.item);
      if (item.is_gap()) {
        cursor.learn_gap();
        if (cursor.item + 1 == log.end()) break;
      } else {
        tell();
        EventReader events(item.events().substr(cursor.offset));
        for (EventView event; events.next(event);) got.emplace_back(event.payload);
      }
      cursor.step();
    }
    tell();
    cursor.held = cursor.item;
    buffer->release(*cursor.view);
    return got;
  }
  /// As sent, but not acknowledged.
  void send(Reader& reader) {
    buffer->seal(*reader.cursor.view);
    while (reader.cursor.item < reader.cursor.view->log.end()) reader.cursor.step();
  }
  /// A batch of `count` events, in memory that is lent.
  Answer adopt(const std::shared_ptr<std::string>& frame, std::uint32_t count) {
    Segment* const segment = Segment::adopt(frame->data(), static_cast<std::uint32_t>(frame->size()), frame);
    const Answer answer = buffer->adopt(segment, count);
    if (answer != Answer::accepted) segment->release();
    return answer;
  }
  std::uint64_t fill_up(const std::string& topic, std::size_t payload) {
    std::uint64_t count = 0;
    while (append(topic, payload) == Answer::accepted) ++count;
    return count;
  }
};

using Strings = std::vector<std::string>;

TEST_CASE_FIXTURE(BufferFixture, "each reader gets what it selects, from where it came in") {
  make({});
  Reader& all = attach();
  Reader& a = attach(topics({"a"}));
  append_text("a", "1");
  append_text("b", "2");
  Reader& late = attach(topics({"a"}));
  CHECK(all.from == 0);
  CHECK(a.from == 0);
  CHECK(late.from == 2);
  CHECK(late.cursor.view == a.cursor.view);
  append_text("a", "3");
  CHECK(drain(all) == Strings{"1", "2", "3"});
  CHECK(drain(a) == Strings{"1", "3"});
  CHECK(drain(late) == Strings{"3"});
  CHECK(late.cursor.selected() == 1);
  CHECK(a.cursor.selected() == 2);
}

TEST_CASE_FIXTURE(BufferFixture,
                  "what nobody was offered is claimed by the first reader, filtered or not, and by no other") {
  for (const bool filtered : {false, true}) {
    make({});
    readers.clear();
    for (int i = 0; i < 100; ++i) append_text(i % 3 == 0 ? "a" : "b", std::to_string(i));
    CHECK(buffer->unclaimed() == 100);
    Reader& first = attach(filtered ? topics({"a"}) : Selection());
    CHECK(first.from == 0);
    CHECK(buffer->unclaimed() == 0);
    Reader& second = attach();
    CHECK(second.from == 100);
    append_text("a", "100");
    const Strings got = drain(first);
    CHECK(got.size() == (filtered ? 35 : 101));
    CHECK(got.front() == "0");
    CHECK(got[1] == (filtered ? "3" : "1"));
    CHECK(got.back() == "100");
    CHECK(first.cursor.selected() == got.size());
    CHECK(drain(second) == Strings{"100"});
    buffer->detach(first.cursor, 0, "");
    buffer->detach(second.cursor, 0, "");
    CHECK(buffer->unclaimed() == 0);
    append_text("a", "101");
    CHECK(buffer->unclaimed() == 1);
    CHECK(drain(attach(topics({"a"}))) == Strings{"101"});
  }
}

TEST_CASE_FIXTURE(BufferFixture, "when the last reader leaves, nothing that it was offered is left for the next") {
  for (const auto& selection : {Selection(), topics({"a"})}) {
    make({});
    readers.clear();
    Reader& first = attach(selection);
    append_text("a", "0");
    append_text("b", "1");
    buffer->detach(first.cursor, 0, "");
    CHECK(buffer->unclaimed() == 0);
    CHECK(drain(attach()).empty());
  }
}

TEST_CASE_FIXTURE(BufferFixture, "a reader that stands still takes half, and there is always room for the next") {
  limit_ = 4 << 20;
  make({.limit_bytes = limit_, .retain_bytes = 0});
  attach(topics({"hog"}));
  Reader& other = attach(topics({"other"}));
  const std::uint64_t hogged = fill_up("hog", 1000) * 1006;
  CHECK(hogged > limit_ * 35 / 100);
  CHECK(hogged <= limit_ / 2 + limit_ / 16);  // a segment more
  // And the other topic goes on, as long as its reader does.
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(append("other", 1000) == Answer::accepted);
    if (i % 100 == 99) CHECK(drain(other).size() == 100);
  }
  CHECK(append("hog", 1000) == Answer::full);
  attach(topics({"next"}));
  CHECK(fill_up("next", 1000) * 1006 > limit_ / 8);
  CHECK(append("other", 1000) == Answer::accepted);
}

TEST_CASE_FIXTURE(BufferFixture, "an acknowledgement makes room for those who wait, and says so") {
  limit_ = 64 << 10;
  make({.limit_bytes = limit_});
  Reader& reader = attach();
  fill_up("t", 1000);
  while (buffer->take_freed()) {
  }
  CHECK(append("t", 1000) == Answer::full);
  CHECK(!buffer->take_freed());
  CHECK(!drain(reader).empty());
  CHECK(buffer->take_freed());
  CHECK(append("t", 1000) == Answer::accepted);
}

TEST_CASE_FIXTURE(BufferFixture, "with nobody there a producer that waits fills half, and a reader gets every event") {
  limit_ = 64 << 10;
  make({.limit_bytes = limit_});
  const std::uint64_t count = fill_up("t", 100);
  CHECK(count * 105 > limit_ * 35 / 100);
  CHECK(count == buffer->unclaimed());
  CHECK(drain(attach()).size() == count);
  CHECK(append("t", 100) == Answer::accepted);
}

TEST_CASE_FIXTURE(BufferFixture,
                  "a first reader with a filter gets what it claims within the limit, and loses nothing") {
  for (const std::size_t size : {1U, 100U, 5'000U, 16'000U}) {
    for (const std::uint64_t kib : {16U, 64U, 100U, 1024U}) {
      CAPTURE(size);
      CAPTURE(kib);
      limit_ = kib << 10;
      make({.limit_bytes = limit_, .retain_bytes = 1 << 20});
      readers.clear();
      const std::uint64_t count = fill_up("a", size);
      Reader& reader = attach(topics({"a"}));
      CHECK(buffer->charged() <= limit_);
      std::uint64_t found = drain(reader).size();
      if (const auto scan = buffer->take_unclaimed_scan()) {  // a copy of so much might have no room
        CHECK(scan->holds());
        while (!scan->finished()) {
          const Scan::Piece piece = scan->read(plenty, plenty);
          CHECK_FALSE(piece.gap);
          found += piece.events;
        }
      }
      CHECK(found == count);
      CHECK(buffer->drops().total() == 0);
    }
  }
}

TEST_CASE_FIXTURE(BufferFixture, "memory that libzmq still holds counts, and its release makes room") {
  limit_ = 64 << 10;
  make({.limit_bytes = limit_, .retain_bytes = 0});
  Reader& reader = attach();
  std::vector<Segment*> lent;
  for (;;) {
    if (append("t", 1000) == Answer::full) break;
    buffer->seal(*reader.cursor.view);
    lent.push_back(reader.cursor.view->log.at(reader.cursor.item).segment);
    lent.back()->pin();
    CHECK(drain(reader).size() == 1);
  }
  CHECK(buffer->charged() > limit_ / 2);
  CHECK(buffer->awaiting_release());
  while (buffer->take_freed()) {
  }
  CHECK(append("t", 1000) == Answer::full);
  CHECK(!buffer->take_freed());
  for (Segment* segment : lent) segment->release();
  buffer->reclaim();
  CHECK(buffer->take_freed());
  CHECK(!buffer->awaiting_release());
  CHECK(append("t", 1000) == Answer::accepted);
}

TEST_CASE_FIXTURE(BufferFixture, "memory that an append finds released is told to others who wait, too") {
  limit_ = 64 << 10;
  make({.limit_bytes = limit_, .retain_bytes = 0});
  Reader& reader = attach();
  std::vector<Segment*> lent;
  while (append("t", 1000) == Answer::accepted) {
    buffer->seal(*reader.cursor.view);
    lent.push_back(reader.cursor.view->log.at(reader.cursor.item).segment);
    lent.back()->pin();
    drain(reader);
  }
  while (buffer->take_freed()) {
  }
  for (Segment* segment : lent) segment->release();
  CHECK(append("t", 1000) == Answer::accepted);  // one caller gets through; another one sleeps
  CHECK(buffer->take_freed());
}

TEST_CASE_FIXTURE(BufferFixture,
                  "what everybody is done with is a cache of the size asked for, and makes room when needed") {
  limit_ = 1 << 20;
  make({.limit_bytes = limit_, .retain_bytes = 128 << 10});
  Reader& reader = attach();
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(append("t", 1000) == Answer::accepted);
    if (i % 10 == 9) drain(reader);
  }
  CHECK(buffer->charged() >= 128 << 10);
  CHECK(buffer->charged() <= (128 + 3 * 64 + 64) << 10);
  make({.limit_bytes = limit_, .retain_bytes = 1 << 30});
  readers.clear();
  Reader& greedy = attach(topics({"t"}));
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(append("t", 1000) == Answer::accepted);
    if (i % 10 == 9) drain(greedy);
  }
}

TEST_CASE_FIXTURE(BufferFixture, "an event that never has room is told from one that has none now") {
  limit_ = 64 << 10;
  make({.limit_bytes = limit_});
  CHECK(buffer->largest_event() == 16 << 10);
  CHECK(append("t", (16 << 10) - 6) == Answer::accepted);
  CHECK(append("t", (16 << 10) - 5) == Answer::too_large);
  CHECK(append(std::string(max_topic_bytes + 1, 't'), 1) == Answer::too_large);
  make({.limit_bytes = limit_});
  readers.clear();
  for (int i = 0; i < 5; ++i) attach(topics({"t", "and " + std::to_string(i)}));
  CHECK(append("t", 15 << 10) == Answer::too_large);  // five copies of it
  CHECK(append("and 1", 15 << 10) == Answer::accepted);
}

TEST_CASE_FIXTURE(BufferFixture,
                  "an event of any size accepted once is accepted again when everything is acknowledged") {
  for (const std::uint64_t kib : {2U, 4U, 10U, 64U, 1000U}) {
    for (const int copies : {0, 1, 2, 3}) {
      for (const std::uint64_t part : {4U, 5U, 16U, 100U, 1000U}) {
        CAPTURE(kib);
        CAPTURE(copies);
        CAPTURE(part);
        limit_ = kib << 10;
        make({.limit_bytes = limit_});
        readers.clear();
        for (int i = 0; i < copies; ++i) attach(topics({"t", "and " + std::to_string(i)}));
        if (copies == 0) attach();
        const std::size_t payload = limit_ / part < 40 ? 1 : limit_ / part - 40;
        bool large = false;
        for (int i = 0; i < 200; ++i) {
          // In between, small ones fill what they can.
          const Answer answer = i % 2 == 0 ? append("t", payload) : append("t", 1);
          if (answer == Answer::too_large) large = true;
          if (answer == Answer::full) {
            for (auto& reader : readers) drain(*reader);
            REQUIRE((i % 2 == 0 ? append("t", payload) : append("t", 1)) == Answer::accepted);
          }
        }
        CHECK((!large || copies > 0));
      }
    }
  }
}

TEST_CASE_FIXTURE(BufferFixture, "a bound in events is kept exactly, per view") {
  make({.limit_events = 10});
  Reader& all = attach();
  Reader& a = attach(topics({"a"}));
  CHECK(fill_up("a", 1) == 10);
  CHECK(append("b") == Answer::full);
  CHECK(drain(all).size() == 10);
  CHECK(append("b") == Answer::accepted);
  CHECK(append("a") == Answer::full);
  CHECK(drain(a).size() == 10);
  CHECK(fill_up("a", 1) == 9);
}

TEST_CASE_FIXTURE(BufferFixture,
                  "keep_last keeps the newest for a slow reader, tells it exactly, and counts by topic") {
  make({.limit_events = 5, .when_full = WhenFull::keep_last});
  Reader& all = attach();
  Reader& a = attach(topics({"a"}));
  for (int i = 0; i < 8; ++i) CHECK(append_text(i < 6 ? "a" : "b", std::to_string(i)) == Answer::accepted);
  CHECK(drain(all) == Strings{"(full 0-3 3)", "3", "4", "5", "6", "7"});
  CHECK(drain(a) == Strings{"(full 0-1 1)", "1", "2", "3", "4", "5"});
  CHECK(buffer->drops().counts() == Counts{{{"a", "full"}, 4}});
  CHECK(all.cursor.dropped == 3);
  CHECK(all.cursor.selected() == 8);
}

TEST_CASE_FIXTURE(BufferFixture, "keep_last drops nothing for a reader that was sent it already") {
  make({.limit_events = 5, .when_full = WhenFull::keep_last});
  Reader& sent = attach();
  Reader& slow = attach();
  for (int i = 0; i < 3; ++i) append_text("t", std::to_string(i));
  send(sent);
  for (int i = 3; i < 9; ++i) append_text("t", std::to_string(i));
  CHECK(drain(slow) == Strings{"(full 0-4 4)", "4", "5", "6", "7", "8"});
  CHECK(drain(sent) == Strings{"(full 3-4 1)", "4", "5", "6", "7", "8"});
  CHECK(buffer->drops().counts() == Counts{{{"t", "full"}, 4}});
}

TEST_CASE_FIXTURE(BufferFixture, "keep_first keeps the oldest, tells the gap after them, and counts by topic") {
  make({.limit_events = 3, .when_full = WhenFull::keep_first});
  Reader& all = attach();
  Reader& a = attach(topics({"a"}));
  for (int i = 0; i < 8; ++i) CHECK(append_text(i % 2 == 0 ? "a" : "b", std::to_string(i)) == Answer::accepted);
  CHECK(drain(all) == Strings{"0", "1", "2", "(full 3-8 5)"});
  append_text("a", "8");
  CHECK(drain(all) == Strings{"8"});
  CHECK(drain(a) == Strings{"0", "2", "4", "(full 6-9 2)"});
  CHECK(buffer->drops().counts() == Counts{{{"a", "full"}, 4}, {{"b", "full"}, 3}});
}

TEST_CASE_FIXTURE(BufferFixture,
                  "a gap that goes on after it was told is told on, no event of it twice, none not at all") {
  make({.limit_events = 2, .when_full = WhenFull::keep_first});
  Reader& keen = attach(topics({"a"}));
  Reader& slow = attach(topics({"a"}));
  for (int i = 0; i < 4; ++i) append_text("a", std::to_string(i));
  CHECK(drain(keen) == Strings{"0", "1", "(full 2-4 2)"});
  append_text("a", "4");
  append_text("a", "5");
  CHECK(drain(keen) == Strings{"(full 4-6 2)"});
  append_text("a", "6");
  Reader& late = attach(topics({"a"}));
  append_text("a", "7");
  CHECK(drain(keen) == Strings{"(full 6-8 2)"});
  CHECK(drain(late) == Strings{"(full 7-8 1)"});
  CHECK(drain(slow) == Strings{"0", "1", "(full 2-8 6)"});
  append_text("a", "8");
  for (Reader* reader : {&keen, &late, &slow}) CHECK(drain(*reader) == Strings{"8"});
}

TEST_CASE_FIXTURE(BufferFixture,
                  "a reader that stands still does not make gaps pile up while another one is told them") {
  make({.limit_events = 2, .when_full = WhenFull::keep_first});
  Reader& keen = attach();
  attach();
  for (int i = 0; i < 1000; ++i) {
    append("t");
    drain(keen);
  }
  CHECK(keen.cursor.dropped == 998);
  CHECK(keen.cursor.view->log.end() <= 4);
}

TEST_CASE_FIXTURE(BufferFixture,
                  "with nobody there keep_last keeps the newest and keep_first the oldest, and the first is told") {
  make({.limit_events = 3, .when_full = WhenFull::keep_last});
  for (int i = 0; i < 7; ++i) append_text("a", std::to_string(i));
  CHECK(buffer->unclaimed() == 3);
  Reader& all = attach();
  CHECK(all.from == 4);
  CHECK(drain(all) == Strings{"(full 0-4 4)", "4", "5", "6"});
  CHECK(buffer->drops().counts() == Counts{{{"a", "full"}, 4}});

  make({.limit_events = 3, .when_full = WhenFull::keep_first});
  readers.clear();
  for (int i = 0; i < 7; ++i) append_text("a", std::to_string(i));
  CHECK(buffer->unclaimed() == 3);
  CHECK(drain(attach()) == Strings{"0", "1", "2", "(full 3-7 4)"});
}

TEST_CASE_FIXTURE(BufferFixture,
                  "with a filter the first is told that something was dropped before it came, but not how much") {
  make({.limit_events = 3, .when_full = WhenFull::keep_last});
  for (int i = 0; i < 7; ++i) append_text(i % 2 == 0 ? "a" : "b", std::to_string(i));
  Reader& last = attach(topics({"a"}));
  CHECK(last.from == 4);
  CHECK(drain(last) == Strings{"(full 0-4 ?)", "4", "6"});
  CHECK(last.cursor.selected() == 2);
  CHECK(last.cursor.dropped == 0);

  make({.limit_events = 3, .when_full = WhenFull::keep_first});
  readers.clear();
  for (int i = 0; i < 7; ++i) append_text(i % 2 == 0 ? "a" : "b", std::to_string(i));
  Reader& first = attach(topics({"a"}));
  CHECK(drain(first) == Strings{"0", "2", "(full 3-7 ?)"});
  append_text("a", "7");
  CHECK(drain(first) == Strings{"7"});
  CHECK(first.cursor.selected() == 3);
}

TEST_CASE_FIXTURE(BufferFixture, "keep_last in bytes gives up its own oldest only, and takes the newest in") {
  limit_ = 256 << 10;
  make({.limit_bytes = limit_, .when_full = WhenFull::keep_last});
  Reader& reader = attach(topics({"a"}));
  for (int i = 0; i < 2000; ++i)
    CHECK(append_text("a", std::to_string(i) + std::string(1000, ' ')) == Answer::accepted);
  CHECK(buffer->charged() <= limit_);
  const Strings got = drain(reader);
  CHECK(got.size() > 50);
  const std::uint64_t dropped = 2000 - (got.size() - 1);
  CHECK(got.front() == "(full 0-" + std::to_string(dropped) + " " + std::to_string(dropped) + ")");
  CHECK(got.back().starts_with("1999 "));
  CHECK(buffer->drops().counts() == Counts{{{"a", "full"}, dropped}});
}

TEST_CASE_FIXTURE(BufferFixture,
                  "the events of a view without room leave no trail in base while somebody else hogs memory") {
  limit_ = 64 << 10;
  make({.limit_bytes = limit_, .when_full = WhenFull::keep_first});
  attach(topics({"hog"}));
  for (int i = 0; i < 100'000; ++i) append("hog", 1000);
  CHECK(buffer->drops().total() > 99'000);
  Reader& reader = attach(topics({"x"}));
  CHECK(append("x") == Answer::accepted);
  CHECK(drain(reader).size() == 1);
}

TEST_CASE_FIXTURE(BufferFixture, "what a reader that leaves is owed is counted by topic, once") {
  make({});
  Reader& reader = attach();
  for (int i = 0; i < 3; ++i) append("a");
  for (int i = 0; i < 3; ++i) append("b");
  send(reader);
  append("c");
  reader.cursor.go_back(0, 2);  // two acknowledged
  buffer->detach(reader.cursor, 5, "lost");
  CHECK(buffer->drops().counts() == Counts{{{"a", "lost"}, 1}, {{"b", "lost"}, 3}, {{"c", "lost"}, 1}});
}

TEST_CASE_FIXTURE(BufferFixture, "what was counted as dropped already is not counted again when its reader leaves") {
  make({.limit_events = 4, .when_full = WhenFull::keep_last});
  Reader& reader = attach();
  for (int i = 0; i < 6; ++i) append(i < 3 ? "a" : "b");
  CHECK(reader.cursor.dropped == 2);
  buffer->detach(reader.cursor, 4, "lost");
  CHECK(buffer->drops().counts() == Counts{{{"a", "full"}, 2}, {{"a", "lost"}, 1}, {{"b", "lost"}, 3}});

  make({.limit_events = 2, .when_full = WhenFull::keep_first});
  readers.clear();
  Reader& first = attach();
  for (int i = 0; i < 6; ++i) append(i < 3 ? "a" : "b");
  buffer->detach(first.cursor, 6, "lost");  // the gap was not told yet
  CHECK(buffer->drops().counts() == Counts{{{"a", "full"}, 1}, {{"a", "lost"}, 2}, {{"b", "full"}, 3}});
}

TEST_CASE_FIXTURE(BufferFixture, "views that are worth a transmission are listed once, until taken") {
  make({});
  Reader& a = attach(topics({"a"}));
  CHECK(buffer->has_dirty());
  CHECK(buffer->take_dirty() == std::vector<View*>{a.cursor.view});
  append("a");
  CHECK(!buffer->has_dirty());  // quiet until somebody says from how many bytes on
  a.cursor.view->wake_at = batch_header_bytes + 20;
  append("a");
  append("b");
  CHECK(!buffer->has_dirty());
  append("a", 20);
  append("a");
  CHECK(buffer->take_dirty() == std::vector<View*>{a.cursor.view});
  buffer->mark_dirty(*a.cursor.view);
  buffer->detach(a.cursor, 0, "");
  CHECK(!buffer->has_dirty());
}

/// A frame as it was received: room for a header, and these events.
std::shared_ptr<std::string> received(const std::vector<Event>& events) {
  auto frame = std::make_shared<std::string>(batch(0, events.size(), events));
  std::fill_n(frame->begin(), batch_header_bytes, '?');
  return frame;
}

TEST_CASE("several events behind one that came from elsewhere fit together, or none is taken") {
  // The open batch of those ends there, and the others begin a batch of their own: its header needs room as well.
  const Provenance repeated{true, {}};
  const std::string before(90, 'b');
  bool accepted = false;
  bool full = false;
  for (int count = 1; count < 20; ++count) {
    for (std::size_t size = 1; size < 200; ++size) {
      Buffer small({.limit_bytes = 4 << 10});
      for (int i = 0; i < count; ++i) small.append({"t", before}, &repeated);
      const std::string other(size, 'o');
      const EventView events[] = {{"t", other}, {"t", other}};
      const std::uint64_t next = small.next();
      const Answer answer = small.append_all(events);
      accepted = accepted || answer == Answer::accepted;
      full = full || answer == Answer::full;
      REQUIRE(small.next() == next + (answer == Answer::accepted ? 2 : 0));
    }
  }
  CHECK(accepted);
  CHECK(full);
}

TEST_CASE_FIXTURE(BufferFixture, "a batch that is adopted lies where it lay, under a header of this stream") {
  make({});
  Reader& reader = attach();
  append_text("a", "1");
  const auto frame = received({{"b", "2"}, {"c", "3"}});
  REQUIRE(adopt(frame, 2) == Answer::accepted);
  append_text("d", "4");
  const Item& item = reader.cursor.view->log.at(1);
  CHECK(item.batch().data() == frame->data());
  CHECK(*frame == batch(1, 3, {{"b", "2"}, {"c", "3"}}));
  CHECK(drain(reader) == Strings{"1", "2", "3", "4"});
  CHECK(reader.cursor.selected() == 4);
  CHECK(buffer->next() == 4);
}

TEST_CASE_FIXTURE(BufferFixture, "what is adopted counts as long as somebody needs it, and is kept as long") {
  make({});
  Reader& reader = attach();
  const auto frame = received({{"b", std::string(5000, 'x')}});
  const std::uint64_t before = buffer->charged();
  REQUIRE(adopt(frame, 1) == Answer::accepted);
  CHECK(buffer->charged() == before + frame->size());
  CHECK(frame.use_count() == 2);
  drain(reader);
  CHECK(buffer->charged() == before);
  CHECK(frame.use_count() == 1);
}

TEST_CASE_FIXTURE(BufferFixture, "a part of a frame that is adopted counts as the whole frame") {
  make({});
  Reader& reader = attach();
  const auto frame = received({{"b", "2"}});
  const std::uint64_t before = buffer->charged();
  Segment* const part = Segment::adopt(frame->data(), static_cast<std::uint32_t>(frame->size()), frame, 100'000);
  REQUIRE(buffer->adopt(part, 1) == Answer::accepted);
  CHECK(buffer->charged() == before + 100'000);
  drain(reader);
  CHECK(buffer->charged() == before);
}

TEST_CASE_FIXTURE(BufferFixture, "a batch is not adopted where somebody selects topics, and waits for room") {
  make({.limit_bytes = 128 << 10});
  const auto adopts = [&](std::size_t payload) { return adopt(received({{"a", std::string(payload, 'x')}}), 1); };
  Reader& reader = attach();
  CHECK(adopts(40'000) == Answer::too_large);  // a quarter of the buffer is the most
  CHECK(adopts(30'000) == Answer::accepted);
  CHECK(adopts(30'000) == Answer::accepted);
  CHECK(adopts(30'000) == Answer::full);  // more than half
  CHECK(drain(reader) == Strings(2, std::string(30'000, 'x')));
  CHECK(adopts(30'000) == Answer::accepted);
  attach(topics({"b"}));
  CHECK(adopts(100) == Answer::too_large);
  CHECK(buffer->next() == 3);
}

TEST_CASE_FIXTURE(BufferFixture, "what is only retained makes room for a batch that is adopted") {
  make({.limit_bytes = 128 << 10, .retain_bytes = 128 << 10});
  Reader& reader = attach();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(adopt(received({{"a", std::string(30'000, 'x')}}), 1) == Answer::accepted);
    CHECK(drain(reader).size() == 1);
  }
}

TEST_CASE_FIXTURE(BufferFixture, "who has to drop rather than wait takes batches apart") {
  make({.when_full = WhenFull::keep_last});
  attach();
  CHECK(adopt(received({{"a", "1"}}), 1) == Answer::too_large);
}

}  // namespace
}  // namespace galena::core::test
