// SPDX-License-Identifier: Apache-2.0
// The byte examples of PROTOCOL.md about stages are what is sent. A change here is a change of the protocol.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"
#include "galena/core/report.hpp"

namespace galena::core {
namespace {

using namespace std::chrono_literals;

Id id_full_of(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

/// The bytes of each example, by the line before it.
std::map<std::string, std::string> examples() {
  std::ifstream file(GALENA_PROTOCOL_TEXT);
  REQUIRE_MESSAGE(file.good(), "cannot read " GALENA_PROTOCOL_TEXT);
  std::map<std::string, std::string> found;
  std::string before;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
    } else if (!inside) {
      before = line;
    } else if (line.find_first_not_of("0123456789abcdef ") == std::string::npos) {
      std::istringstream words(line);
      for (std::string word; words >> word;) found[before].push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
    }
  }
  return found;
}

/// The example whose line starts so.
std::string example(const std::string& start) {
  static const auto all = examples();
  const auto it = all.lower_bound(start);
  REQUIRE_MESSAGE((it != all.end() && it->first.starts_with(start)), "there is no example '" << start << "'");
  return it->second;
}

/// Whether the example is what encode() makes of the message, and is read as one.
template <class M>
bool shows(const std::string& start, const M& message) {
  const auto read = decode(example(start));
  return example(start) == encode(message) && read && std::holds_alternative<M>(*read) &&
         encode(std::get<M>(*read)) == encode(message);
}

std::string batch(BatchHeader header, const std::vector<EventView>& events) {
  std::string bytes;
  for (const EventView& event : events) {
    std::string one(event_bytes(event), '\0');
    write_event(one.data(), event);
    bytes += one;
  }
  header.bytes = static_cast<std::uint32_t>(bytes.size());
  header.count = static_cast<std::uint32_t>(events.size());
  std::string head(header_bytes(header), '\0');
  write_batch_header(head.data(), header);
  return head + bytes;
}

TEST_CASE("control messages are, byte for byte, what PROTOCOL.md shows") {
  Subscribe subscribe;
  subscribe.stage = id_full_of(0x44);
  subscribe.subscription = id_full_of(0x66);
  subscribe.epoch = 1;
  subscribe.consumer = "screen";
  subscribe.selection = Selection({{false, "memory"}, {true, "cpu/"}});
  subscribe.credit = {1000, 65536};
  subscribe.silence = 10s;
  CHECK(shows("subscribe: to stage", subscribe));
  subscribe.epoch = 2;
  subscribe.resume = Place{id_full_of(0x77), 5, 1};
  CHECK(shows("subscribe: the same consumer, back", subscribe));

  CHECK(shows("accept: what comes next", Accept{id_full_of(0x44), {id_full_of(0x77), 5, 0}, 10s}));
  CHECK(shows("grant: ", Grant{2, {1002, 65561}}));
  CHECK(shows("gap: of the positions", Gap{8, 11, 2, std::string(reason::full)}));
  CHECK(shows("gap: nobody knows", Gap{11, 20, {}, std::string(reason::lost)}));
  CHECK(shows("mark: ", Mark{20}));
  CHECK(shows("end: ", End{20}));
  CHECK(shows("cancel: a stage of version 1", Cancel{std::string(reason::version), spoken_versions.refuse({2, 2})}));
  CHECK(shows("cancel: the link is over", Cancel{std::string(reason::silent), "nothing was heard for too long"}));
  CHECK(shows("offer: ", Offer{id_full_of(0x44), id_full_of(0x88), id_full_of(0x99), true, 10s}));
  CHECK(shows("refuse: delivery", Refuse{1, "no"}));

  CHECK(shows("draining: ", Draining{20}));
  CHECK(shows("inquire: ", Inquire{}));
  CHECK(shows("accept: it stood",
              Accept{id_full_of(0x44), {id_full_of(0x77), 5, 1}, 10s, Place{id_full_of(0x77), 8, 0}}));
  subscribe.epoch = 3;
  subscribe.resume.reset();
  subscribe.identity = "archive";
  subscribe.consumer_stage = id_full_of(0x55);
  CHECK(shows("subscribe: stage 55... takes up", subscribe));

  Subscribe answer;
  answer.subscription = id_full_of(0xaa);
  answer.epoch = 1;
  answer.consumer = "ticks";
  answer.credit = {65536, 1 << 20};
  answer.silence = 10s;
  CHECK(shows("subscribe: the answer", answer));
}

TEST_CASE("batches are, byte for byte, what PROTOCOL.md shows") {
  const EventView cpu{"cpu/0", "17", Encoding::raw};
  CHECK(example("batch: positions 5") == batch({.from = 5, .upto = 8}, {cpu,
                                                                        {"memory",
                                                                         "\x81\xa4"
                                                                         "free\x03",
                                                                         Encoding::msgpack}}));
  CHECK(example("batch: the same positions") ==
        batch({.from = 5, .upto = 8, .flags = flag_more}, {cpu}) +
            batch({.from = 5, .upto = 8, .first = 1}, {{"memory", "x", Encoding::raw}}));
  CHECK(example("batch: the value 42") == batch({.from = 0, .upto = 1}, {{"", "\x2a", Encoding::msgpack}}));
}

TEST_CASE("a report is, byte for byte, what PROTOCOL.md shows, and reads as what it was") {
  Report report{.ingested = 9,
                .outstanding = 3,
                .oldest_ms = 1500,
                .wrong_version = 1,
                .buffered_bytes = 1024,
                .drops = {{{"cpu/0", "full"}, 2}}};
  LinkInfo link;
  link.consumer = "screen";
  link.consumer_stage = id_full_of(0x55);
  link.identity = "archive";
  link.away = true;
  link.held_bytes = 0x30;
  link.selected = 7;
  link.sent = 4;
  link.acknowledged = link.dropped = 2;
  report.subscribers.push_back(link);
  CHECK(encode(report) == example("report: of nine"));
  const auto read = decode_report(example("report: of nine"));
  REQUIRE(read);
  CHECK(read->drops == report.drops);
  CHECK(read->subscribers.at(0).held() == 1);
  CHECK(read->subscribers.at(0).consumer_stage == link.consumer_stage);
  CHECK(read->outstanding == 3);
  CHECK(read->oldest_ms == 1500);
  CHECK(read->subscribers.at(0).address.empty());
  report.subscribers.at(0).address = "10.0.0.7";
  const auto again = decode_report(encode(report));
  REQUIRE(again);
  CHECK(again->subscribers.at(0).address == "10.0.0.7");
  for (std::size_t size = 0; size < encode(report).size(); ++size) {
    CHECK_FALSE(decode_report(std::string_view(encode(report)).substr(0, size)));
  }
}

TEST_CASE("a batch that tells origins is, byte for byte, what PROTOCOL.md shows, and reads as that") {
  const std::string bytes = example("batch: a relay's positions");
  std::string_view rest = bytes;
  const auto header = read_batch_header(rest);
  REQUIRE(header);
  CHECK(*header == BatchHeader{header->bytes, 3, 40, 43, flag_repeated, {{id_full_of(0x77), 5, 1}, 0}});
  std::string head(origin_header_bytes, '\0');
  write_batch_header(head.data(), *header);
  CHECK(head == bytes.substr(0, origin_header_bytes));
  EventReader reader(rest, true);
  std::vector<std::uint32_t> steps;
  for (EventView event; reader.next(event);) steps.push_back(reader.step());
  CHECK(steps == std::vector<std::uint32_t>{0, 0, 2});
  CHECK(reader.rest().empty());
}

TEST_CASE("a gap has five items like a batch, and is told apart") {
  CHECK(starts_with_batch(example("batch: positions 5")));
  CHECK_FALSE(starts_with_batch(example("gap: of the positions")));
}

}  // namespace
}  // namespace galena::core
