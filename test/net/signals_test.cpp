// SPDX-License-Identifier: Apache-2.0
#include "galena/net/signals.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include "net/forked.hpp"

namespace galena::net {
namespace {

using namespace std::chrono_literals;

/// Whether the bell has rung. raise() returns after the handler has run, so there is nothing to wait for.
bool rang(Bell& bell) { return bell.wait(Clock::now()); }

int handler_calls = 0;

const std::string ended_by_sigterm = "signal " + std::to_string(SIGTERM);

TEST_CASE("SIGINT and SIGTERM ring the bell, and afterwards do what they did before") {
  CHECK(forked([] {
          ::signal(SIGINT, [](int) { ++handler_calls; });
          Bell bell;
          { const SignalScope scope(bell); }
          raise(SIGINT);
          return handler_calls == 1 && !rang(bell) ? 0 : 1;
        }) == "exit 0");
  CHECK(forked([] {
          Bell bell;
          const SignalScope scope(bell);
          raise(SIGINT);
          return rang(bell) ? 0 : 1;
        }) == "exit 0");
  CHECK(forked([] {
          Bell bell;
          const SignalScope scope(bell);
          raise(SIGTERM);
          return rang(bell) ? 0 : 1;
        }) == "exit 0");
}

TEST_CASE("a signal that the program ignores stays ignored") {
  CHECK(forked([] {
          ::signal(SIGINT, SIG_IGN);
          Bell bell;
          const SignalScope scope(bell);
          raise(SIGINT);
          if (rang(bell)) return 1;
          raise(SIGTERM);
          return rang(bell) ? 0 : 2;
        }) == "exit 0");
}

TEST_CASE("two signals in a row are one request, even if the second comes when the scope has ended") {
  CHECK(forked([] {
          Bell bell;
          {
            const SignalScope scope(bell);
            raise(SIGTERM);
            raise(SIGTERM);
            if (!rang(bell)) return 1;
          }
          raise(SIGTERM);
          return 0;
        }) == "exit 0");
}

TEST_CASE("a second signal after 200 ms ends the program, within the scope and after it") {
  CHECK(forked([] {
          Bell bell;
          const SignalScope scope(bell);
          raise(SIGTERM);
          std::this_thread::sleep_for(210ms);
          raise(SIGTERM);
          return 0;
        }) == ended_by_sigterm);
  CHECK(forked([] {
          Bell bell;
          {
            const SignalScope scope(bell);
            raise(SIGINT);
          }
          std::this_thread::sleep_for(210ms);
          raise(SIGTERM);
          return 0;
        }) == ended_by_sigterm);
}

TEST_CASE("the program's own handler is back after a scope that a signal ended") {
  CHECK(forked([] {
          ::signal(SIGINT, [](int) { ++handler_calls; });
          Bell bell;
          {
            const SignalScope scope(bell);
            raise(SIGINT);
          }
          std::this_thread::sleep_for(210ms);
          raise(SIGINT);
          raise(SIGINT);
          return handler_calls == 2 ? 0 : 1;
        }) == "exit 0");
}

TEST_CASE("a signal rings the bells of all scopes, and a scope that begins after it has signals of its own") {
  CHECK(forked([] {
          Bell first;
          Bell second;
          Bell third;
          const SignalScope outer(first);
          std::optional<SignalScope> inner(std::in_place, second);
          raise(SIGINT);
          if (!rang(first) || !rang(second)) return 1;
          inner.reset();
          std::this_thread::sleep_for(210ms);
          const SignalScope late(third);
          raise(SIGINT);
          return rang(first) && !rang(second) && rang(third) ? 0 : 2;
        }) == "exit 0");
}

}  // namespace
}  // namespace galena::net
