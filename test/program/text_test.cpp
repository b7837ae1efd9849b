// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <galena/msgpack.hpp>

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
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  CHECK(unescaped(escaped(all)) == all);
}

TEST_CASE("a backslash with nothing to say is a usage error") {
  CHECK_THROWS_AS(unescaped("a\\d"), UsageError);
  CHECK_THROWS_AS(unescaped("a\\"), UsageError);
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

TEST_CASE("JSON text escapes what it must") {
  std::string out;
  append_json_line(out, {"t", std::string_view("a\"\\\n\t\r\0\x1f\x7f\xc3\xa4", 11), Encoding::raw});
  CHECK(out == "{\"topic\":\"t\",\"message\":\"a\\\"\\\\\\n\\t\\r\\u0000\\u001f\x7f\xc3\xa4\",\"encoding\":\"raw\"}\n");
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

TEST_CASE("a text line has two columns, whatever the event holds") {
  std::string out;
  append_text_line(out, {"to\tpic", "mes\nsage", Encoding::raw});
  append_text_line(out, {"", "", Encoding::raw});
  append_text_line(out, {"t", "\x92\x01\xa1\n", Encoding::msgpack});
  CHECK(out == "to\\tpic\tmes\\nsage\n\t\nt\t[1,\"\\\\n\"]\n");
}

TEST_CASE("a JSON line tells bytes from text, and values from both") {
  std::string out;
  append_json_line(out, {"t", "hi", Encoding::raw});
  append_json_line(out, {"\xff", "\xfe", Encoding::raw});
  append_json_line(out, {"t", "\x92\x01\x02", Encoding::msgpack});
  append_json_line(out, {"t", "\xc1", Encoding::msgpack});
  CHECK(out ==
        "{\"topic\":\"t\",\"message\":\"hi\",\"encoding\":\"raw\"}\n"
        "{\"topic_base64\":\"/w==\",\"message_base64\":\"/g==\",\"encoding\":\"raw\"}\n"
        "{\"topic\":\"t\",\"message\":[1,2],\"encoding\":\"msgpack\"}\n"
        "{\"topic\":\"t\",\"message_base64\":\"wQ==\",\"encoding\":\"msgpack\"}\n");
}
