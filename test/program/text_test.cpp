// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <galena/msgpack.hpp>
#include <galena/testing.hpp>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/rename.hpp"
#include "cli/topics.hpp"
#include "io/event_text.hpp"
#include "io/json.hpp"

using namespace galena;
using namespace galena::cli;

namespace {

Topic parsed(std::string_view text) { return parse_topic(text); }

std::vector<Topic> patterns(const std::vector<Topic>& topics) {
  std::vector<Topic> all;
  for (const Topic& topic : topics) all.push_back(topic);
  return all;
}

std::string json_of(std::string_view payload) {
  const auto value = json_of_msgpack(payload);
  REQUIRE(value);
  return value->dump();
}

template <class T>
std::string packed(const T& value) {
  std::string out;
  return std::string(detail::encode_message("", value, out).payload);
}

std::string printed(const EventView& event, EventStyle style = {}) {
  std::string out;
  append_event(out, event, style);
  return out;
}

std::string printed_json(const EventView& event) { return printed(event, {.format = EventFormat::json}); }

/// What `pub` makes of what `sub` printed: whether it is the same event.
bool comes_back(const EventView& event, EventStyle style) {
  EventReader reader(style.format, std::nullopt);
  std::string line = printed(event, style);
  line.resize(line.size() - style.delimiter.size());
  const EventView read = reader.read(line);
  return read.topic == event.topic && read.payload == event.payload && read.encoding == event.encoding;
}

std::string every_byte() {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  return all;
}

std::string renamed(std::vector<std::string_view> rules, std::string_view topic) {
  std::vector<RenameRule> parsed;
  for (std::string_view rule : rules) parsed.push_back(parse_rename(rule));
  Renamer rename(parsed);
  return std::string(rename(topic));
}

}  // namespace

TEST_CASE("tab, newline and backslash are escaped, and no other byte") {
  CHECK(escaped("a\tb\nc\\d") == "a\\tb\\nc\\\\d");
  const std::string_view others("\0\r\x1b\x7f\xff \"", 7);
  CHECK(escaped(others) == others);
  CHECK(escaped("") == "");
}

TEST_CASE("what was escaped is read back byte for byte") {
  const std::string all = every_byte();
  CHECK(unescaped(escaped(all)) == all);
  for (const Escapes escapes : {Escapes{}, Escapes{'\0'}, Escapes{'\n', true}, Escapes{'\0', true}}) {
    std::string there;
    append_escaped(there, all + "\\x41\\n\xc3\xa4\xc2\x85", escapes);
    CHECK(there.find(escapes.record_end) == std::string::npos);
    CHECK(there.find('\t') == std::string::npos);
    std::string back;
    append_unescaped(back, there);
    CHECK(back == all + "\\x41\\n\xc3\xa4\xc2\x85");
  }
}

TEST_CASE("a backslash that begins no escape is read as it is") {
  std::string out;
  append_unescaped(out, "\\d \\xg1 \\x4 \\");
  CHECK(out == "\\d \\xg1 \\x4 \\");
}

TEST_CASE("a backslash with nothing to say is a usage error") {
  CHECK_THROWS_AS(unescaped("a\\d"), UsageError);
  CHECK_THROWS_AS(unescaped("a\\"), UsageError);
  CHECK_THROWS_AS(unescaped("a\\x4"), UsageError);
  CHECK_THROWS_AS(unescaped("a\\x-1"), UsageError);
}

TEST_CASE("nothing that commands a terminal is printable") {
  CHECK(printable("a\tb\x1b[2J\x7f\x07") == "a\\x09b\\x1b[2J\\x7f\\x07");
  CHECK(printable("\xc2\x9b"
                  "2J \xff \xc3\xa4 \xe2\x82\xac") == "\\xc2\\x9b2J \\xff \xc3\xa4 \xe2\x82\xac");
  CHECK(printable("") == "");
}

TEST_CASE("a topic of any byte can be typed") {
  CHECK(parsed("a\\x00b") == Topic(std::string("a\0b", 3)));
  CHECK(parsed("\\x2a") == Topic("*"));
  CHECK(parsed("\\xFF\\xfe*") == prefix("\xff\xfe"));
}

TEST_CASE("what looks like the wildcard of another system gets a hint, and nothing else does") {
  for (const char* text : {"cpu/*/temp", "cpu/+", "+/temp", "cpu/#", "#", "a.>", ">", "a.*.b", "*.log", "cpu/*/t*"}) {
    CHECK_MESSAGE(wildcard_hint(text), text);
  }
  for (const char* text : {"cpu/*", "*", "cpu/0", "c++", "a>b", "#1", "cpu/\\*/temp", "a\\*", ""}) {
    CHECK_MESSAGE(!wildcard_hint(text), text);
  }
}

TEST_CASE("a trailing star is a prefix, an escaped one is a star") {
  CHECK(parsed("cpu/0") == Topic("cpu/0"));
  CHECK(parsed("cpu/*") == prefix("cpu/"));
  CHECK(parsed("*") == prefix(""));
  CHECK(parsed("a\\*") == Topic("a*"));
  CHECK(parsed("a\\**") == prefix("a*"));
  CHECK(parsed("a\\\\*") == prefix("a\\"));
  CHECK(parsed("a\\\\\\*") == Topic("a\\*"));
  CHECK(parsed("a*b") == Topic("a*b"));
  CHECK(parsed("") == Topic(""));
  CHECK(parsed("a\\tb") == Topic("a\tb"));
}

TEST_CASE("a list of names has each once, and none that is empty") {
  CHECK(parse_names("a") == std::vector<std::string>{"a"});
  CHECK(parse_names("a,b,a") == std::vector<std::string>{"a", "b"});
  CHECK(parse_names("a\\,b") == std::vector<std::string>{"a,b"});
  CHECK_THROWS_AS(parse_names(""), UsageError);
  CHECK_THROWS_AS(parse_names("a,,b"), UsageError);
}

TEST_CASE("--from names a producer and topics of it") {
  CHECK(parse_from("load").producer == "load");
  CHECK(parse_from("load").topics.empty());
  const From from = parse_from("load:cpu/*,memory,a\\,b:c");
  CHECK(from.producer == "load");
  CHECK(patterns(from.topics) == patterns({prefix("cpu/"), "memory", "a,b:c"}));
  CHECK(parse_from("a\\:b:c").producer == "a:b");
  CHECK_THROWS_AS(parse_from(":c"), UsageError);
  CHECK_THROWS_AS(parse_from("load:"), UsageError);
  CHECK_THROWS_AS(parse_from("load:a,,b"), UsageError);
}

TEST_CASE("two selections of one producer are one subscription, so that nothing comes twice") {
  const auto subscriptions =
      subscriptions_to({parse_from("a:x"), parse_from("b"), parse_from("a:y"), parse_from("b:z")});
  REQUIRE(subscriptions.size() == 2);
  CHECK(subscriptions[0].producer.name == global("a"));
  CHECK(subscriptions[0].topics == Selection({"x", "y"}));
  CHECK(subscriptions[1].producer.name == global("b"));
  CHECK(subscriptions[1].topics.everything());
}

TEST_CASE("a rename is of one topic, or of a prefix") {
  CHECK(renamed({"a=b"}, "a") == "b");
  CHECK(renamed({"a=b"}, "aa") == "aa");
  CHECK(renamed({"a/*=b/*"}, "a/1") == "b/1");
  CHECK(renamed({"a/*=b/*"}, "a/") == "b/");
  CHECK(renamed({"*=x/*"}, "a") == "x/a");
  CHECK(renamed({"x/*=*"}, "x/a") == "a");
  CHECK(renamed({"a\\=b=c"}, "a=b") == "c");
  CHECK(renamed({"a\\*=b\\*"}, "a*") == "b*");
  CHECK(renamed({}, "a") == "a");
}

TEST_CASE("the first rename that fits is the only one") {
  CHECK(renamed({"a=b", "b=c", "*=d/*"}, "a") == "b");
  CHECK(renamed({"a=b", "b=c", "*=d/*"}, "b") == "c");
  CHECK(renamed({"a=b", "b=c", "*=d/*"}, "e") == "d/e");
}

TEST_CASE("a rename with a star on one side alone is a usage error") {
  CHECK_THROWS_AS(parse_rename("a/*=b"), UsageError);
  CHECK_THROWS_AS(parse_rename("a=b/*"), UsageError);
  CHECK_THROWS_AS(parse_rename("a"), UsageError);
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (std::string_view good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK_MESSAGE(is_utf8(good), base64(good));
  }
  for (std::string_view bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                               "\xf0\x80\x80\x80", "\xe2\x82", "\xff",
                               "\xc3"
                               "a"}) {
    CHECK_MESSAGE(!is_utf8(bad), base64(bad));
  }
}

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe") == "//4=");
}

TEST_CASE("base64 is read back, and nothing else is read as base64") {
  for (const std::string& bytes : {std::string(), std::string("f"), std::string("fo"), every_byte()}) {
    CHECK(from_base64(base64(bytes)) == bytes);
  }
  for (std::string_view bad : {"Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zm 9", "====", "Zm9v\n"}) {
    CHECK_MESSAGE(!from_base64(bad), bad);
  }
}

TEST_CASE("JSON text escapes what it must") {
  CHECK(printed_json({"t", std::string_view("a\"\\\n\t\r\0\x1f\x7f\xc3\xa4", 11), Encoding::raw}) ==
        "{\"topic\":\"t\",\"message\":\"a\\\"\\\\\\n\\t\\r\\u0000\\u001f\x7f\xc3\xa4\",\"encoding\":\"raw\"}\n");
}

TEST_CASE("on a terminal, no event commands it") {
  const EventView event{"\x1b]0;t", "\x1b[2J\x7f\xc2\x9b\n\xff", Encoding::raw};
  CHECK(printed(event, {.terminal = true}) == "\\x1b]0;t\t\\x1b[2J\\x7f\\xc2\\x9b\\n\\xff\n");
  const EventView text{"t", "\x1b\x7f\xc2\x9b", Encoding::raw};
  CHECK(printed(text, {.format = EventFormat::json, .terminal = true}) ==
        "{\"topic\":\"t\",\"message\":\"\\u001b\\u007f\\u009b\",\"encoding\":\"raw\"}\n");
}

TEST_CASE("MessagePack becomes JSON") {
  CHECK(json_of(packed(17)) == "17");
  CHECK(json_of(packed(-3)) == "-3");
  CHECK(json_of(packed(std::uint64_t{18446744073709551615U})) == "18446744073709551615");
  CHECK(json_of(packed(true)) == "true");
  CHECK(json_of(packed(1.5)) == "1.5");
  CHECK(json_of(packed(0.1F)) == "0.1");
  CHECK(json_of(packed(std::vector<int>{1, 2})) == "[1,2]");
  CHECK(json_of(packed(std::map<std::string, int>{{"a", 1}, {"b", 2}})) == R"({"a":1,"b":2})");
  CHECK(json_of(std::string_view("\x82\xa1\x61\x01\xa1\x61\x02", 7)) == R"({"a":1,"a":2})");
  CHECK(json_of("\xc0") == "null");
  CHECK(json_of("\xa2hi") == "\"hi\"");
}

TEST_CASE("what JSON does not have is written by the documented rules") {
  CHECK(json_of(std::string_view("\xc4\x02\xff\xfe", 4)) == R"({"base64":"//4="})");
  CHECK(json_of("\xa1\xff") == R"({"base64":"/w=="})");
  CHECK(json_of(std::string_view("\xd4\x05\x01", 3)) == R"({"ext":5,"base64":"AQ=="})");
  CHECK(json_of(packed(std::map<int, int>{{1, 2}})) == R"({"1":2})");
  CHECK(json_of(packed(std::numeric_limits<double>::infinity())) == "null");
}

TEST_CASE("what is no MessagePack value, or more than one, or too deep, is not shown as one") {
  for (const std::string& bad : {std::string(), std::string("\x93\x01"), std::string("\x01\x02"), std::string("\xc1"),
                                 std::string("\xdd\xff\xff\xff\xff"), std::string(1000, '\x91') + "\x01"}) {
    CHECK_FALSE(json_of_msgpack(bad));
  }
}

TEST_CASE("JSON is linear in the payload, however keys are nested") {
  std::string payload;
  for (int depth = 0; depth < 30; ++depth) payload.push_back('\x81');  // a map as a key in a map as a key ...
  payload.push_back('\x01');
  for (int depth = 0; depth < 30; ++depth) payload.push_back('\x01');
  CHECK(json_of(payload).size() < 2 * payload.size() + 40);
  CHECK(json_of(std::string_view("\x81\x91\x01\x02", 4)) == R"({"{\"base64\":\"kQE=\"}":2})");
}

TEST_CASE("JSON is read as it was written, with keys that are there twice, and not if it is none or too deep") {
  for (const char* text :
       {R"({"a":1,"b":[1.5,-3,null,true,"x"],"a":{}})", "[]", "18446744073709551615", "\"\\u0000\""}) {
    const auto value = parse_json(text);
    REQUIRE_MESSAGE(value, text);
    CHECK(value->dump() == text);
  }
  const std::string deepest = std::string(max_json_depth, '[') + std::string(max_json_depth, ']');
  CHECK(parse_json(deepest));
  for (const std::string& bad : {std::string(), std::string("{"), std::string("1 2"), std::string("{a:1}"),
                                 std::string("\"\xff\""), "[" + deepest + "]"}) {
    CHECK_MESSAGE(!parse_json(bad), bad);
  }
}

TEST_CASE("a number with a point stays one, also if it is whole") {
  for (const char* text : {"1012.0", "-3.0", "0.0", "-0.0", "1e+20", "1012", "-3"}) {
    std::string bytes;
    append_msgpack(bytes, *parse_json(text));
    CHECK(json_of(bytes) == text);
  }
  const std::string whole("\xcb\x3f\xf0\0\0\0\0\0\0", 9);  // as other languages pack 1.0
  CHECK(printed({"t", whole, Encoding::msgpack}, {.format = EventFormat::json}) ==
        "{\"topic\":\"t\",\"message\":1.0,\"encoding\":\"msgpack\"}\n");
}

TEST_CASE("a text line has two columns, whatever the event holds") {
  const std::string out = printed({"to\tpic", "mes\nsage", Encoding::raw}) + printed({"", "", Encoding::raw}) +
                          printed({"t", "\x92\x01\xa1\n", Encoding::msgpack});
  CHECK(out == "to\\tpic\tmes\\nsage\n\t\nt\t[1,\"\\\\n\"]\n");
}

TEST_CASE("a record that ends in NUL has its newlines as they are, and its NULs escaped") {
  CHECK(printed({"t", std::string_view("a\nb\0c\\", 6), Encoding::raw}, {.delimiter = std::string(1, '\0')}) ==
        std::string("t\ta\nb\\x00c\\\\\0", 13));
}

TEST_CASE("raw is the bytes, and the delimiter") {
  CHECK(printed({"t", "a\n", Encoding::raw}, {.format = EventFormat::raw, .delimiter = ""}) == "a\n");
  CHECK(printed({"t", "a", Encoding::raw}, {.format = EventFormat::raw, .delimiter = "\r\n"}) == "a\r\n");
}

TEST_CASE("topics alone, and times before them") {
  CHECK(printed({"t\n", "m", Encoding::raw}, {.topics_only = true}) == "t\\n\n");
  CHECK(printed({"t", "m", Encoding::raw}, {.format = EventFormat::json, .topics_only = true}) ==
        "{\"topic\":\"t\"}\n");
  const std::string timed = printed({"t", "m", Encoding::raw}, {.timestamps = true});
  REQUIRE(timed.size() == 32);
  CHECK(timed.substr(26) == "Z\tt\tm\n");
  CHECK(timed[10] == 'T');
}

TEST_CASE("a JSON line tells bytes from text, and values from both") {
  const std::string out = printed_json({"t", "hi", Encoding::raw}) + printed_json({"\xff", "\xfe", Encoding::raw}) +
                          printed_json({"t", "\x92\x01\x02", Encoding::msgpack}) +
                          printed_json({"t", "\xc1", Encoding::msgpack});
  CHECK(out ==
        "{\"topic\":\"t\",\"message\":\"hi\",\"encoding\":\"raw\"}\n"
        "{\"topic_base64\":\"/w==\",\"message_base64\":\"/g==\",\"encoding\":\"raw\"}\n"
        "{\"topic\":\"t\",\"message\":[1,2],\"encoding\":\"msgpack\"}\n"
        "{\"topic\":\"t\",\"message_base64\":\"wQ==\",\"encoding\":\"msgpack\"}\n");
}

TEST_CASE("a JSON line says where the event comes from, and whether it may be repeated") {
  CHECK(printed_json(TestEvent("t", "", {.producer = "load", .position = 7, .repeated = true}).view()) ==
        "{\"topic\":\"t\",\"message\":\"\",\"encoding\":\"raw\",\"producer\":\"load\","
        "\"stream\":\"00000000000000000000000000000000\",\"position\":7,\"repeated\":true}\n");
  CHECK(printed_json(TestEvent("t", "", {.producer = "load"}).view()) ==
        "{\"topic\":\"t\",\"message\":\"\",\"encoding\":\"raw\",\"producer\":\"load\","
        "\"stream\":\"00000000000000000000000000000000\"}\n");
}

TEST_CASE("what is printed is read back, byte for byte") {
  const std::string all = every_byte();
  const std::string nul(1, '\0');
  for (const EventStyle& style :
       {EventStyle{}, EventStyle{.delimiter = nul}, EventStyle{.terminal = true},
        EventStyle{.delimiter = nul, .terminal = true}, EventStyle{.format = EventFormat::json},
        EventStyle{.format = EventFormat::json, .delimiter = nul},
        EventStyle{.format = EventFormat::json, .terminal = true}}) {
    for (const std::string& bytes :
         {std::string(), all, all + all, std::string("\\x41\\n"), std::string("\xc2\x85\x7f")}) {
      CHECK(comes_back({bytes, bytes, Encoding::raw}, style));
    }
    if (style.format != EventFormat::json) continue;
    for (const std::string& payload :
         {packed(17), packed(-3), packed(1.5), packed(0.1F), packed(std::map<std::string, int>{{"b", 1}, {"a", 2}}),
          packed(std::map<int, int>{{1, 2}}), packed(std::numeric_limits<double>::infinity()), std::string("\xc1"),
          std::string("\xcd\x00\x01", 3), std::string("\x82\xa1\x61\x01\xa1\x61\x02"), std::string("\xa2hi"),
          std::string("\xc4\x02\xff\xfe"), std::string("\xd4\x05\x01"), std::string()}) {
      CHECK_MESSAGE(comes_back({"t", payload, Encoding::msgpack}, style), base64(payload));
    }
  }
}

TEST_CASE("JSON that somebody wrote is text or a value; of what lacks something it is said what") {
  const auto read = [](std::string_view line) {
    EventReader reader(EventFormat::json, std::nullopt);
    return Event(reader.read(line));
  };
  CHECK(read(R"({"topic":"t","message":"a"})").view().encoding == Encoding::raw);
  CHECK(read(R"({"topic":"t","message":[1]})").view().payload == packed(std::vector<int>{1}));
  CHECK(read(R"({"topic":"t","message":"a","encoding":"msgpack"})").view().payload == "\xa1\x61");
  for (const char* bad : {"", "[]", "{}", R"({"topic":"t"})", R"({"message":"m"})", R"({"topic":1,"message":"m"})",
                          R"({"topic":"t","message":1,"encoding":"raw"})",
                          R"({"topic":"t","message":"m","encoding":"xml"})", R"({"topic":"t","message_base64":"?"})",
                          R"({"topic":"t","encoding":"msgpack"})", R"({"topic":"t","message":1} x)"}) {
    CHECK_THROWS_AS_MESSAGE(read(bad), Error, bad);
  }
}

TEST_CASE("with a topic for all lines, a line is a message, and an object's topic does not count") {
  EventReader raw(EventFormat::raw, "t");
  CHECK(raw.read("a\tb\\n").payload == "a\tb\\n");
  EventReader text(EventFormat::text, "t");
  CHECK(text.read("a\tb\\n").payload == "a\tb\n");
  EventReader json(EventFormat::json, "t");
  const EventView event = json.read(R"({"topic":"x","message":"m"})");
  CHECK(event.topic == "t");
  CHECK(event.payload == "m");
}

TEST_CASE("every error ends the program with the code that the documents have for it") {
  CHECK(exit_code_of(ErrorCode::invalid) == 2);
  CHECK(exit_code_of(ErrorCode::unreachable) == 3);
  CHECK(exit_code_of(ErrorCode::timeout) == 4);
  CHECK(exit_code_of(ErrorCode::unknown) == 5);
  for (const ErrorCode code : {ErrorCode::name_taken, ErrorCode::refused, ErrorCode::superseded, ErrorCode::stopped,
                               ErrorCode::system, ErrorCode::handler}) {
    CHECK(exit_code_of(code) == 1);
  }
}
