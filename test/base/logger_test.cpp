// SPDX-License-Identifier: Apache-2.0
#include "galena/logger.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace galena {
namespace {

TEST_CASE("a logger passes on what is at or above its level") {
  std::vector<std::string> lines;
  Logger logger{LogLevel::warning, [&](LogLevel level, std::string_view text) {
                  lines.push_back(std::string(to_string(level)) + " " + std::string(text));
                }};
  logger.debug("a");
  logger.info("b");
  logger.warning("c");
  logger.error("d");
  CHECK(lines == std::vector<std::string>{"warning c", "error d"});
}

TEST_CASE("what a sink throws is ignored") {
  int calls = 0;
  const Logger logger{LogLevel::debug, [&](LogLevel, std::string_view) {
                        if (++calls == 1) throw std::runtime_error("full");
                        throw 42;
                      }};
  logger.debug("a");
  logger.error("b");
  CHECK(calls == 2);
}

TEST_CASE("the default sink writes control characters so that a terminal does not obey them") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  Logger{}.warning("a\x1b[31m\tb\x7f\xc2\x9b\nc \xc3\xa9");
  dup2(before, STDERR_FILENO);
  std::array<char, 200> text{};
  const ssize_t size = read(ends[0], text.data(), text.size());
  for (const int fd : {before, ends[0], ends[1]}) close(fd);
  CHECK(std::string_view(text.data(), static_cast<std::size_t>(size)) ==
        "galena: warning: a\\x1b[31m\\x09b\\x7f\\xc2\x9b\\x0ac \xc3\xa9\n");
}

TEST_CASE("a logger that is off, or has no sink, wants nothing") {
  CHECK_FALSE(Logger{LogLevel::off, [](LogLevel, std::string_view) { FAIL("called"); }}.wants(LogLevel::error));
  Logger silent{LogLevel::debug, nullptr};
  CHECK_FALSE(silent.wants(LogLevel::error));
  silent.error("goes nowhere");
}

}  // namespace
}  // namespace galena
