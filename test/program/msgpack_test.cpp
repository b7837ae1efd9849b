// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include <galena/galena.hpp>
#include <galena/msgpack.hpp>

using namespace galena;

// The program beside a stage of this process: what only a C++ program publishes or takes.

namespace {

struct Output {
  std::string text;
  int exit_code;
};

Output run(const std::string& domain, const std::string& arguments) {
  const char* program = std::getenv("GALENA_PROGRAM");
  REQUIRE(program != nullptr);
  FILE* pipe = popen(("GALENA_DOMAIN=" + domain + " '" + program + "' " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Output output;
  std::array<char, 4096> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.text.append(buffer.data(), size);
  }
  output.exit_code = WEXITSTATUS(pclose(pipe));
  return output;
}

std::string fresh_domain() { return "test-" + Id::random().hex(); }

}  // namespace

TEST_CASE("sub shows a message that a program packed: as JSON, and with --raw as its bytes") {
  const std::string domain = fresh_domain();
  Node node({.domain = domain});
  Producer producer(node, {.name = global("x")});
  producer.ingest("t", std::map<std::string, int>{{"a", 1}});
  const std::string object = "{\"topic\":\"t\",\"message\":{\"a\":1},\"encoding\":\"msgpack\",\"producer\":\"x\",";
  CHECK(run(domain, "sub x --json --count 1 --timeout 20").text.starts_with(object));
  producer.ingest("t", std::map<std::string, int>{{"a", 1}});
  CHECK(run(domain, "sub x --count 1 --timeout 20").text == "t\t{\"a\":1}\n");
  producer.ingest("t", std::map<std::string, int>{{"a", 1}});
  CHECK(run(domain, "sub x --raw --count 1 --timeout 20").text ==
        "\x81\xa1"
        "a\x01");
}

TEST_CASE("ingest into a producer that takes values is refused, and says why") {
  const std::string domain = fresh_domain();
  Node node({.domain = domain});
  const Producer producer(node, [](int n) { return Event("t", n); }, {.name = global("x"), .drain = Duration::zero()});
  const Output output = run(domain, "ingest x t 17 --timeout 20");
  CHECK(output.exit_code == 1);
  CHECK_MESSAGE(output.text.find("it takes a value") != std::string::npos, output.text);
}
