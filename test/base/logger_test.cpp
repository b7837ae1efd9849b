// SPDX-License-Identifier: Apache-2.0
#include "galena/logger.hpp"

#include <doctest/doctest.h>

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

TEST_CASE("a logger that is off, or has no sink, wants nothing") {
  CHECK_FALSE(Logger{LogLevel::off, [](LogLevel, std::string_view) { FAIL("called"); }}.wants(LogLevel::error));
  Logger silent{LogLevel::debug, nullptr};
  CHECK_FALSE(silent.wants(LogLevel::error));
  silent.error("goes nowhere");
}

}  // namespace
}  // namespace galena
