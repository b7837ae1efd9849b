// SPDX-License-Identifier: Apache-2.0
#include "galena/core/message.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"

namespace galena::core::test {
namespace {

using namespace std::chrono_literals;

/// `text` with the bytes that a person can read, and `numbers` between its parts.
std::string join(std::initializer_list<std::string> parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out;
}

std::string id_bytes(std::uint8_t number) { return bytes_of({0xc4, 16}) + std::string(16, static_cast<char>(number)); }

TEST_CASE("a subscribe travels as PROTOCOL.md shows it") {
  Subscribe message;
  message.stage = id(1);
  message.subscription = id(2);
  message.epoch = 3;
  message.consumer = "shop";
  message.selection = Selection({{false, "a"}, {true, "b."}});
  message.credit = {1000, 65536};
  message.silence = 10s;
  const std::string bytes = encode(message);
  CHECK(bytes == join({bytes_of({0x92, 0xa9}),
                       "subscribe",
                       bytes_of({0x88, 0xa7}),
                       "version",
                       bytes_of({1, 0xa5}),
                       "stage",
                       id_bytes(1),
                       bytes_of({0xac}),
                       "subscription",
                       id_bytes(2),
                       bytes_of({0xa5}),
                       "epoch",
                       bytes_of({3, 0xa8}),
                       "consumer",
                       bytes_of({0xa4}),
                       "shop",
                       bytes_of({0xa6}),
                       "topics",
                       bytes_of({0x92, 0x92, 0xa5}),
                       "exact",
                       bytes_of({0xc4, 1, 'a', 0x92, 0xa6}),
                       "prefix",
                       bytes_of({0xc4, 2, 'b', '.', 0xa6}),
                       "credit",
                       bytes_of({0x92, 0xcd, 0x03, 0xe8, 0xce, 0, 1, 0, 0, 0xa7}),
                       "silence",
                       bytes_of({0xcd, 0x27, 0x10})}));
  const auto back = expect<Subscribe>(bytes);
  CHECK(back.stage == message.stage);
  CHECK(back.subscription == message.subscription);
  CHECK(back.epoch == 3);
  CHECK(back.consumer == "shop");
  CHECK(back.selection == message.selection);
  CHECK(back.credit == message.credit);
  CHECK(back.silence == 10s);
}

TEST_CASE("an accept travels as PROTOCOL.md shows it") {
  const std::string bytes = encode(Accept{id(1), {id(2), 300}, 5s});
  CHECK(bytes == join({bytes_of({0x92, 0xa6}), "accept", bytes_of({0x85, 0xa7}), "version", bytes_of({1, 0xa5}),
                       "stage", id_bytes(1), bytes_of({0xa6}), "stream", id_bytes(2), bytes_of({0xa4}), "from",
                       bytes_of({0xcd, 1, 0x2c, 0xa7}), "silence", bytes_of({0xcd, 0x13, 0x88})}));
  const auto back = expect<Accept>(bytes);
  CHECK(back.stage == id(1));
  CHECK(back.place == Place{id(2), 300, 0});
  CHECK(back.silence == 5s);
}

TEST_CASE("the small messages travel as PROTOCOL.md shows them") {
  CHECK(encode(Grant{5, {1000, 65536}}) ==
        join({bytes_of({0x94, 0xa5}), "grant", bytes_of({5, 0xcd, 3, 0xe8, 0xce, 0, 1, 0, 0})}));
  CHECK(encode(Gap{1, 9, 4, "full"}) == join({bytes_of({0x95, 0xa3}), "gap", bytes_of({1, 9, 4, 0xa4}), "full"}));
  CHECK(encode(Gap{1, 9, {}, "lost"}) == join({bytes_of({0x95, 0xa3}), "gap", bytes_of({1, 9, 0xc0, 0xa4}), "lost"}));
  CHECK(encode(Mark{200}) == join({bytes_of({0x92, 0xa4}), "mark", bytes_of({0xcc, 200})}));
  CHECK(encode(End{200}) == join({bytes_of({0x92, 0xa3}), "end", bytes_of({0xcc, 200})}));
  CHECK(encode(Cancel{"silent", "why"}) ==
        join({bytes_of({0x93, 0xa6}), "cancel", bytes_of({0xa6}), "silent", bytes_of({0xa3}), "why"}));
  CHECK(encode(Refuse{7, "no"}) == join({bytes_of({0x93, 0xa6}), "refuse", bytes_of({7, 0xa2}), "no"}));
}

TEST_CASE("an offer travels as PROTOCOL.md shows it") {
  const std::string bytes = encode(Offer{id(1), id(2), id(3), true, 10s});
  CHECK(bytes == join({bytes_of({0x92, 0xa5}), "offer", bytes_of({0x86, 0xa7}), "version", bytes_of({1, 0xa5}), "stage",
                       id_bytes(1), bytes_of({0xa9}), "publisher", id_bytes(2), bytes_of({0xa6}), "stream", id_bytes(3),
                       bytes_of({0xa6}), "values", bytes_of({0xc3, 0xa7}), "silence", bytes_of({0xcd, 0x27, 0x10})}));
  const auto back = expect<Offer>(bytes);
  CHECK(back.stage == id(1));
  CHECK(back.publisher == id(2));
  CHECK(back.stream == id(3));
  CHECK(back.values);
  CHECK(back.silence == 10s);
}

TEST_CASE("a later version may add fields and arguments, which are skipped") {
  PackWriter writer;
  writer.array(3)
      .str("subscribe")
      .map(4)
      .str("new")
      .array(2)
      .uint(1)
      .map(0)
      .str("version")
      .uint(1)
      .str("epoch")
      .uint(9);
  writer.str("another").str("x").str("more arguments");
  const auto back = expect<Subscribe>(writer.bytes());
  CHECK(back.epoch == 9);
  CHECK(back.selection.everything());
  CHECK(back.silence == default_silence);  // of who does not say how long
  CHECK(!back.stage);
  PackWriter mark;
  mark.array(4).str("mark").uint(5).nil().map(1).uint(1).uint(2);
  CHECK(expect<Mark>(mark.bytes()).upto == 5);
}

TEST_CASE("a message of another version is known as that, whatever else has changed in it") {
  const auto versions_of = [](PackWriter& writer) { return expect<OtherVersion>(writer.bytes()).versions; };
  CHECK(versions_of(PackWriter().array(2).str("subscribe").map(1).str("version").uint(2)) == Versions{2, 2});
  CHECK(versions_of(PackWriter()
                        .array(3)
                        .str("offer")
                        .map(3)
                        .str("else")
                        .nil()
                        .str("newest")
                        .uint(5)
                        .str("version")
                        .uint(3)
                        .nil()) == Versions{3, 5});
  CHECK(versions_of(PackWriter().array(2).str("inquire").map(1).str("version").uint(2)) == Versions{2, 2});
  CHECK(versions_of(PackWriter().array(2).str("accept").map(2).str("stream").uint(1).str("version").uint(2)) ==
        Versions{2, 2});
}

TEST_CASE("a newer peer that speaks version 1 as well is read, and says up to where it speaks") {
  Subscribe subscribe;
  subscribe.versions = {1, 3};
  CHECK(expect<Subscribe>(encode(subscribe)).versions == Versions{1, 3});
  CHECK(expect<Offer>(encode(Offer{id(1), id(2), id(3), false, 1s, {1, 2}})).versions == Versions{1, 2});
  CHECK(expect<Inquire>(encode(Inquire{{1, 2}})).versions == Versions{1, 2});
  CHECK(expect<Inquire>(PackWriter().array(1).str("inquire").bytes()).versions == Versions{1, 1});
}

TEST_CASE("a subscribe names the consumer's stage, if the consumer has said it") {
  Subscribe subscribe;
  CHECK(expect<Subscribe>(encode(subscribe)).consumer_stage == Id{});
  subscribe.consumer_stage = id(5);
  CHECK(expect<Subscribe>(encode(subscribe)).consumer_stage == id(5));
}

TEST_CASE("a subscribe tells the largest event that it takes, if there is one") {
  Subscribe subscribe;
  CHECK(expect<Subscribe>(encode(subscribe)).largest_event == no_largest_event);
  CHECK(encode(subscribe).find("largest_event") == std::string::npos);
  subscribe.largest_event = 1000;
  CHECK(expect<Subscribe>(encode(subscribe)).largest_event == 1000);
}

TEST_CASE("of a message that cannot be read it is said what is wrong: the verb, the key, and what was expected") {
  CHECK(why_malformed("hello") == "it is no array that begins with a verb of this protocol");
  CHECK(why_malformed(PackWriter().array(2).str("shout").uint(1).bytes()) ==
        "it is no array that begins with a verb of this protocol");
  CHECK(why_malformed(std::string(max_message_bytes + 1, '\x90')) == "it has more than 4 MiB");
  CHECK(why_malformed(PackWriter().array(2).str("grant").uint(1).bytes()) ==
        "in 'grant', the arguments are not those of this verb");
  CHECK(why_malformed(encode(Mark{3}) + "x") == "in 'mark', something follows the message");
  CHECK(why_malformed(encode(Mark{3})) == "it is not expected here");
  const auto subscribe = [](std::string_view key, const auto& write) {
    PackWriter writer;
    writer.array(2).str("subscribe").map(2).str("version").uint(1).str(key);
    write(writer);
    return why_malformed(writer.bytes());
  };
  const auto text = [](PackWriter& writer) { writer.str("x"); };
  const auto number = [](PackWriter& writer) { writer.uint(1); };
  CHECK(subscribe("stage", text) == "in 'subscribe', 'stage' is not 16 bytes");
  CHECK(subscribe("credit", text) == "in 'subscribe', 'credit' is not [events, bytes]");
  CHECK(subscribe("epoch", text) == "in 'subscribe', 'epoch' is not an unsigned integer");
  CHECK(subscribe("identity", number) == "in 'subscribe', 'identity' is not a text");
  CHECK(subscribe("resume", number) == "in 'subscribe', 'resume' is not [stream, from, events]");
  CHECK(subscribe("silence", text) == "in 'subscribe', 'silence' is not a number of milliseconds");
  CHECK(subscribe("topics", text) ==
        R"(in 'subscribe', 'topics' is not an array of ["exact" or "prefix", topic of at most 65535 bytes])");
  CHECK(subscribe("version", text) == "in 'subscribe', 'version' is not an unsigned integer");
  CHECK(why_malformed(PackWriter().array(2).str("accept").map(1).str("version").uint(1).bytes()) ==
        "in 'accept', there is no 'stream'");
  CHECK(why_malformed(PackWriter().array(2).str("offer").map(0).bytes()) == "in 'offer', there is no 'version'");
}

TEST_CASE("what PROTOCOL.md does not allow is refused") {
  const auto refused = [](PackWriter& writer) { return !decode(writer.bytes()); };
  CHECK(!decode(""));
  CHECK(!decode("hello"));
  CHECK(refused(PackWriter().str("mark").uint(1)));
  CHECK(refused(PackWriter().array(1).str("mark").uint(1)));          // the argument is not in the array
  CHECK(refused(PackWriter().array(3).str("mark").uint(1)));          // one is missing
  CHECK(refused(PackWriter().array(2).str("mark").uint(1).uint(2)));  // something follows
  CHECK(refused(PackWriter().array(2).str("mark").str("1")));
  CHECK(refused(PackWriter().array(2).str("unheard-of").uint(1)));
  CHECK(refused(PackWriter().array(2).bin("mark").uint(1)));
  CHECK(refused(PackWriter().array(5).str("gap").uint(9).uint(8).nil().str("full")));    // backwards
  CHECK(refused(PackWriter().array(5).str("gap").uint(1).uint(3).uint(3).str("full")));  // more than positions
  CHECK(refused(PackWriter().array(5).str("gap").uint(1).uint(3).str("2").str("full")));
  CHECK(refused(PackWriter().array(2).str("subscribe").map(0)));  // no version
  CHECK(refused(PackWriter().array(2).str("subscribe").map(1).str("version").str("2")));
  CHECK(refused(PackWriter().array(2).str("inquire").uint(1)));
  CHECK(refused(PackWriter().array(2).str("subscribe").map(1).uint(1).uint(1)));
  CHECK(refused(PackWriter().array(2).str("subscribe").map(2).str("version").uint(1).str("stage").bin("short")));
  CHECK(refused(PackWriter().array(2).str("accept").map(1).str("version").uint(1)));  // no stream
  CHECK(refused(PackWriter().array(2).str("offer").map(1).str("version").uint(1)));
  const auto with_topics = [](PackWriter topics) {
    PackWriter writer;
    writer.array(2).str("subscribe").map(2).str("version").uint(1).str("topics");
    return writer.take() + topics.take();
  };
  CHECK(decode(with_topics(PackWriter().array(1).array(2).str("exact").str("a"))));
  CHECK(!decode(with_topics(PackWriter().array(1).array(2).str("glob").str("a"))));
  CHECK(!decode(with_topics(PackWriter().array(1).array(1).str("exact"))));
  CHECK(!decode(with_topics(PackWriter().array(1).str("a"))));
  CHECK(!decode(with_topics(PackWriter().array(0xffffffff))));
  CHECK(!decode(with_topics(PackWriter().array(1).array(2).str("exact").bin(std::string(0x10000, 't')))));
  CHECK(decode(encode(Cancel{"x", std::string(max_message_bytes - 20, 'y')})));
  CHECK(!decode(encode(Cancel{"x", std::string(max_message_bytes, 'y')})));
}

TEST_CASE("a silence of days is told as a day, and taken for an hour; one of nothing for 10 ms") {
  CHECK(expect<Accept>(encode(Accept{id(1), {id(2), 0}, std::chrono::hours(1000)})).silence == 24h);
  CHECK(expect<Accept>(encode(Accept{id(1), {id(2), 0}, -1s})).silence == 0s);
  CHECK(sane_silence(24h) == 1h);
  CHECK(sane_silence(0s) == 10ms);
  CHECK(sane_silence(3s) == 3s);
}

}  // namespace
}  // namespace galena::core::test
