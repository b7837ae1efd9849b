// SPDX-License-Identifier: Apache-2.0
#include "galena/base/pack.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace galena {
namespace {

std::string operator""_b(const char* bytes, std::size_t size) { return {bytes, size}; }

/// Whether skip() takes exactly the whole of `bytes`.
bool skips(const std::string& bytes) {
  PackReader reader(bytes);
  return reader.skip() && reader.at_end();
}

/// One of everything that PackWriter writes, in every width.
std::string everything() {
  PackWriter w;
  w.array(3).uint(1).uint(0x80).uint(0x100);
  w.map(1).str("key").bin("value");
  w.uint(0x10000).uint(0x100000000);
  w.str("").str(std::string(32, 'a')).str(std::string(300, 'b'));
  w.bin("").bin(std::string(300, 'c'));
  w.boolean(true).boolean(false).nil();
  w.id(Id::random());
  return w.take();
}

bool skip_all(std::string_view bytes) {
  PackReader reader(bytes);
  while (!reader.at_end()) {
    if (!reader.skip()) return false;
  }
  return true;
}

TEST_CASE("an unsigned integer takes the shortest form, on both sides of every boundary") {
  const struct {
    std::uint64_t value;
    std::string bytes;
  } cases[] = {
      {0, "\x00"_b},
      {0x7f, "\x7f"_b},
      {0x80, "\xcc\x80"_b},
      {0xff, "\xcc\xff"_b},
      {0x100, "\xcd\x01\x00"_b},
      {0xffff, "\xcd\xff\xff"_b},
      {0x10000, "\xce\x00\x01\x00\x00"_b},
      {0xffffffff, "\xce\xff\xff\xff\xff"_b},
      {0x100000000, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"_b},
      {std::numeric_limits<std::uint64_t>::max(), "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"_b},
  };
  for (const auto& each : cases) {
    CAPTURE(each.value);
    CHECK(PackWriter().uint(each.value).take() == each.bytes);
    PackReader reader(each.bytes);
    CHECK(reader.uint() == each.value);
    CHECK(reader.at_end());
    CHECK(skips(each.bytes));
  }
}

TEST_CASE("an unsigned integer is read in a longer form than it needs") {
  for (const std::string& bytes :
       {"\xcc\x05"_b, "\xcd\x00\x05"_b, "\xce\x00\x00\x00\x05"_b, "\xcf\x00\x00\x00\x00\x00\x00\x00\x05"_b}) {
    CHECK(PackReader(bytes).uint() == 5);
  }
}

TEST_CASE("a negative integer is not an unsigned one, but can be skipped") {
  for (const std::string& bytes : {"\xff"_b, "\xe0"_b, "\xd0\x80"_b, "\xd1\x80\x00"_b, "\xd2\x80\x00\x00\x00"_b,
                                   "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"_b}) {
    PackReader reader(bytes);
    CHECK_FALSE(reader.uint());
    CHECK(reader.rest() == bytes);
    CHECK(skips(bytes));
  }
}

TEST_CASE("text and bytes come back, on both sides of every boundary") {
  for (std::size_t size : {0, 1, 31, 32, 0xff, 0x100, 0xffff, 0x10000, 0x10001}) {
    CAPTURE(size);
    const std::string body(size, 'x');
    const std::size_t str_head = size < 32 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : 5;
    const std::size_t bin_head = size < 0x100 ? 2 : size < 0x10000 ? 3 : 5;

    const std::string str = PackWriter().str(body).take();
    CHECK(str.size() == str_head + size);
    CHECK(PackReader(str).str() == body);
    CHECK(PackReader(str).text() == body);
    CHECK_FALSE(PackReader(str).bin());
    CHECK(skips(str));

    const std::string bin = PackWriter().bin(body).take();
    CHECK(bin.size() == bin_head + size);
    CHECK(PackReader(bin).bin() == body);
    CHECK(PackReader(bin).text() == body);
    CHECK_FALSE(PackReader(bin).str());
    CHECK(skips(bin));
  }
}

TEST_CASE("array and map heads come back, on both sides of every boundary") {
  for (std::uint32_t size : {0U, 1U, 15U, 16U, 0xffffU, 0x10000U, 0xffffffffU}) {
    CAPTURE(size);
    const std::size_t head = size < 16 ? 1 : size < 0x10000 ? 3 : 5;
    const std::string array = PackWriter().array(size).take();
    const std::string map = PackWriter().map(size).take();
    CHECK(array.size() == head);
    CHECK(map.size() == head);
    CHECK(PackReader(array).array() == size);
    CHECK(PackReader(map).map() == size);
    CHECK_FALSE(PackReader(array).map());
    CHECK_FALSE(PackReader(map).array());
  }
}

TEST_CASE("booleans and nil come back and are not each other") {
  CHECK(PackReader(PackWriter().boolean(true).take()).boolean() == true);
  CHECK(PackReader("\xc2"_b).boolean() == false);
  CHECK_FALSE(PackReader("\xc0"_b).boolean());
  CHECK(PackReader("\xc0"_b).nil());
  CHECK_FALSE(PackReader("\xc2"_b).nil());
}

TEST_CASE("an id comes back; bytes of another length are none and stay unread") {
  const Id id = Id::random();
  const std::string bytes = PackWriter().id(id).take();
  CHECK(PackReader(bytes).id() == id);
  const std::string short_one = PackWriter().bin(std::string(15, 'x')).take();
  PackReader reader(short_one);
  CHECK_FALSE(reader.id());
  CHECK(reader.rest() == short_one);
}

TEST_CASE("items are read one after the other") {
  const std::string bytes = PackWriter().array(3).str("topic").uint(300).nil().take();
  PackReader reader(bytes);
  CHECK(reader.array() == 3);
  CHECK(reader.str() == "topic");
  CHECK(reader.uint() == 300);
  CHECK(reader.nil());
  CHECK(reader.at_end());
}

TEST_CASE("a question of the wrong type leaves the reader where it was") {
  const std::string str = PackWriter().str("text").take();
  PackReader reader(str);
  CHECK_FALSE(reader.uint());
  CHECK_FALSE(reader.bin());
  CHECK_FALSE(reader.array());
  CHECK_FALSE(reader.map());
  CHECK_FALSE(reader.boolean());
  CHECK_FALSE(reader.nil());
  CHECK_FALSE(reader.id());
  CHECK(reader.str() == "text");
}

TEST_CASE("an item cut off after any byte is refused and the reader stays where it was") {
  const std::vector<std::string> items = {
      PackWriter().uint(0x80).take(),
      PackWriter().uint(0x100).take(),
      PackWriter().uint(0x10000).take(),
      PackWriter().uint(0x100000000).take(),
      PackWriter().str("short").take(),
      PackWriter().str(std::string(40, 's')).take(),
      PackWriter().str(std::string(300, 's')).take(),
      PackWriter().str(std::string(70000, 's')).take(),
      PackWriter().bin("short").take(),
      PackWriter().bin(std::string(300, 'b')).take(),
      PackWriter().bin(std::string(70000, 'b')).take(),
      PackWriter().id(Id::random()).take(),
      PackWriter().array(16).take(),
      PackWriter().array(0x10000).take(),
      PackWriter().map(16).take(),
      PackWriter().map(0x10000).take(),
      PackWriter().boolean(true).take(),
      PackWriter().nil().take(),
  };
  bool refused_all = true;
  for (const std::string& item : items) {
    // Past the head one length is like the other.
    for (std::size_t cut = 0; cut < std::min<std::size_t>(item.size(), 400); ++cut) {
      PackReader reader(std::string_view(item).substr(0, cut));
      const bool refused = !reader.uint() && !reader.str() && !reader.bin() && !reader.text() && !reader.id() &&
                           !reader.array() && !reader.map() && !reader.boolean() && !reader.nil();
      refused_all =
          refused_all && refused && reader.rest().size() == cut && !reader.skip() && reader.rest().size() == cut;
    }
  }
  CHECK(refused_all);
}

TEST_CASE("a length that promises more than there is allocates nothing and is refused") {
  for (const std::string& bytes :
       {"\xdb\xff\xff\xff\xff"_b, "\xc6\xff\xff\xff\xff"_b, "\xc9\xff\xff\xff\xff\x01"_b, "\xdd\xff\xff\xff\xff"_b,
        "\xdf\xff\xff\xff\xff"_b, "\xdd\xff\xff\xff\xff\xc0\xc0"_b}) {
    PackReader reader(bytes);
    CHECK_FALSE(reader.str());
    CHECK_FALSE(reader.bin());
    CHECK_FALSE(reader.skip());
    CHECK(reader.rest() == bytes);
  }
}

TEST_CASE("skip steps over one value of any type") {
  CHECK(skip_all(everything()));
  const std::string values[] = {
      "\xca\x3f\x80\x00\x00"_b,                      // float 32
      "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"_b,      // float 64
      "\xd4\x01x"_b,                                 // fixext 1
      "\xd5\x01xx"_b,                                // fixext 2
      "\xd6\xffxxxx"_b,                              // fixext 4: a timestamp
      "\xd7\x01" + std::string(8, 'x'),              // fixext 8
      "\xd8\x01" + std::string(16, 'x'),             // fixext 16
      "\xc7\x00\x01"_b,                              // ext 8, empty
      "\xc7\x03\x01xyz"_b,                           // ext 8
      "\xc8\x01\x00\x01"_b + std::string(256, 'x'),  // ext 16
      "\xc9\x00\x01\x00\x00\x01"_b + std::string(65536, 'x'),
      "\x92\x81\xa1k\xc4\x01v\x90"_b,  // [{"k": bytes}, []]
  };
  for (const std::string& value : values) {
    CAPTURE(static_cast<int>(static_cast<unsigned char>(value[0])));
    CHECK(skips(value));
    PackReader reader(value);
    PackReader cut(std::string_view(value).substr(0, value.size() - 1));
    CHECK_FALSE(cut.skip());
    CHECK(cut.rest().size() == value.size() - 1);
    const std::string two = value + "\x07";
    PackReader both(two);
    CHECK(both.skip());
    CHECK(both.uint() == 7);
  }
}

TEST_CASE("the code that MessagePack never uses is refused") {
  PackReader reader("\xc1");
  CHECK_FALSE(reader.skip());
  CHECK(reader.rest() == "\xc1");
}

TEST_CASE("nesting is followed to max_depth and no deeper") {
  const auto nested = [](int arrays) { return std::string(static_cast<std::size_t>(arrays), '\x91') + '\xc0'; };
  CHECK(skips(nested(PackReader::max_depth)));
  CHECK_FALSE(skips(nested(PackReader::max_depth + 1)));
  CHECK_FALSE(skips(nested(1'000'000)));  // would overflow the stack if it were followed
  std::string maps;
  for (int i = 0; i < 1'000'000; ++i) maps += "\x81\xc0";
  CHECK_FALSE(skips(maps + '\xc0'));
}

TEST_CASE("any two bytes in front of a few others are refused or skipped, never read past") {
  // Under AddressSanitizer this also shows that no head reads beyond the end.
  std::size_t skipped = 0;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::vector<char> bytes = {static_cast<char>(first), static_cast<char>(second), '\0', '\1', '\2'};
      PackReader reader({bytes.data(), bytes.size()});
      const std::size_t before = reader.rest().size();
      if (reader.skip()) {
        ++skipped;
        if (reader.rest().size() >= before) FAIL("skipped nothing");
      } else if (reader.rest().size() != before) {
        FAIL("moved without reading");
      }
    }
  }
  CHECK(skipped > 0);
}

}  // namespace
}  // namespace galena
