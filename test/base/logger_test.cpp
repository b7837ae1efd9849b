// SPDX-License-Identifier: Apache-2.0
#include "galena/logger.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
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

TEST_CASE("a logger that is off, or has no sink, wants nothing") {
  CHECK_FALSE(Logger{LogLevel::off, [](LogLevel, std::string_view) { FAIL("called"); }}.wants(LogLevel::error));
  Logger silent{LogLevel::debug, nullptr};
  CHECK_FALSE(silent.wants(LogLevel::error));
  silent.error("goes nowhere");
}

TEST_CASE("what a peer has put into a name does not command the terminal") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  Logger::write_to_stderr(LogLevel::warning, "\x1b[2J\x7f\xc2\x9b\t\xc3\x9b ok");
  dup2(kept, STDERR_FILENO);
  char line[200];
  const ssize_t size = read(ends[0], line, sizeof line);
  for (const int fd : {ends[0], ends[1], kept}) close(fd);
  CHECK(std::string(line, static_cast<std::size_t>(size)) ==
        "galena: warning: \\x1b[2J\\x7f\\xc2\\x9b\\x09\xc3\x9b ok\n");
}

}  // namespace
}  // namespace galena
