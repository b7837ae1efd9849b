// SPDX-License-Identifier: Apache-2.0
// A node in a process of its own, for tests that kill it. Prints a line for whatever happens.
//   names_peer DOMAIN register_name NAME | watch NAME | list | serve
#include <cstdio>
#include <string>

#include "galena/error.hpp"
#include "galena/names/directory.hpp"
#include "galena/names/service.hpp"

namespace {

using namespace galena;
using namespace galena::names;

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int run(const std::string& domain, const std::string& what, const std::string& name) {
  net::Context context;
  net::Reactor reactor;
  const Logger logger{LogLevel::debug, [](LogLevel, std::string_view line) { say("log " + std::string(line)); }};
  DirectoryOptions options{.domain = domain};
  if (what == "serve") {
    Service service(context, reactor, {.domain = domain}, logger);
    say("serving " + service.endpoint());
    reactor.run();
    return 0;
  }
  options.host = what != "list";
  Directory directory(context, reactor, options, logger);
  if (what == "list") {
    directory.list(std::chrono::seconds(5), [&](const std::optional<std::vector<Entry>>& entries) {
      std::string line = entries ? "listed" : "unreachable";
      for (const Entry& entry : entries.value_or(std::vector<Entry>{})) line += " " + entry.registration.name;
      say(line);
      reactor.stop();
    });
  } else if (what == "register") {
    Registration registration;
    registration.name = name;
    registration.stage = Id::random();
    registration.host_name = "peer";
    registration.endpoints = {"tcp://127.0.0.1:1"};
    directory.register_name(
        registration, std::chrono::seconds(5),
        [](const Registered& result) {
          static constexpr const char* words[] = {"ok", "taken", "unreachable", "refused"};
          say(std::string(words[static_cast<int>(result.outcome)]) + " " + std::to_string(result.waiting));
        },
        [](const Entry& owner) { say("lost " + owner.registration.stage.hex()); });
  } else {
    directory.watch(name, [](const std::optional<Entry>& entry) {
      say(entry ? "found " + entry->registration.stage.hex() : std::string("nobody"));
    });
  }
  reactor.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    return run(argv[1], argv[2], argc > 3 ? argv[3] : "");
  } catch (const Error& error) {
    say(std::string("error ") + error.what());
    return 1;
  }
}
