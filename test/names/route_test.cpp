// SPDX-License-Identifier: Apache-2.0
#include "galena/names/route.hpp"

#include <doctest/doctest.h>

#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

const Time began = Time{} + 1h;

Route local_route(bool host) {
  Route::Options options;
  options.local = "ipc://@galena/d";
  options.host = host;
  return Route(options);
}

TEST_CASE("a node asks this host's service, and hosts it if there is none") {
  Route route = local_route(true);
  CHECK(route.poll(began) == Route::Step::connect);
  CHECK(route.target().endpoint == "ipc://@galena/d");
  CHECK(route.poll(began) == Route::Step::none);
  route.handle_failed(began);
  CHECK(route.poll(began) == Route::Step::host);
  route.handle_hosted();
  CHECK(route.poll(began) == Route::Step::connect);
  CHECK(route.target().endpoint == "ipc://@galena/d");
  route.handle_welcome(began);
  CHECK(route.poll(began) == Route::Step::none);
  CHECK(route.poll_timeout() == never);
}

TEST_CASE("when its service goes a node asks its host again without delay") {
  Route route = local_route(true);
  route.poll(began);
  route.handle_welcome(began);
  route.handle_failed(began + 10s);
  CHECK(route.poll(began + 10s) == Route::Step::connect);
  route.handle_failed(began + 10s);
  CHECK(route.poll(began + 10s) == Route::Step::host);
}

TEST_CASE("a service that keeps failing is tried less and less often, up to once a second") {
  Route route = local_route(true);
  Time now = began;
  Duration longest{};
  for (int i = 0; i < 30; ++i) {
    switch (route.poll(now)) {
      case Route::Step::connect:
        route.handle_welcome(now);
        route.handle_failed(now);
        break;
      case Route::Step::host:
        route.handle_hosted();
        break;
      case Route::Step::none:
        REQUIRE(route.poll_timeout() != never);
        longest = std::max(longest, route.poll_timeout() - now);
        now = route.poll_timeout();
    }
  }
  CHECK(longest == 1s);
}

TEST_CASE("who may not host waits for somebody who does, or asks a service that was heard of") {
  Route route = local_route(false);
  CHECK(route.poll(began) == Route::Step::connect);
  route.handle_failed(began);
  CHECK(route.poll(began) == Route::Step::none);
  CHECK(route.poll_timeout() == began + 10ms);
  route.suggest({id_of(3), 1, false, {"tcp://192.0.2.1:5"}}, began);
  CHECK(route.poll(began) == Route::Step::connect);
  route.handle_failed(began);
  CHECK(route.poll(began) == Route::Step::connect);
  CHECK(route.target().endpoint == "tcp://192.0.2.1:5");
  CHECK(route.target().expected == id_of(3));
}

TEST_CASE("a redirect is followed, its endpoints in turn, and then one goes home") {
  Route route = local_route(true);
  route.poll(began);
  route.handle_redirect({id_of(3), 1, false, {"tcp://192.0.2.1:5", "tcp://192.0.2.1:6"}}, began);
  CHECK(route.poll(began) == Route::Step::connect);
  CHECK(route.target().endpoint == "tcp://192.0.2.1:5");
  route.handle_failed(began);
  CHECK(route.poll(began) == Route::Step::connect);
  CHECK(route.target().endpoint == "tcp://192.0.2.1:6");
  route.handle_failed(began);
  CHECK(route.poll(began) == Route::Step::none);
  CHECK(route.poll(began + 10ms) == Route::Step::connect);
  CHECK(route.target().endpoint == "ipc://@galena/d");
}

TEST_CASE("a redirect leads to the network only, and not in circles") {
  Route route = local_route(true);
  route.poll(began);
  route.handle_redirect({id_of(3), 1, false, {"ipc://@somebody/else", "inproc://x"}}, began);
  CHECK(route.poll(began) == Route::Step::none);
  int steps = 0;
  for (; steps < 100; ++steps) {
    route.handle_redirect({id_of(3), 1, false, {"tcp://192.0.2.1:5"}}, began);
    if (route.poll(began) == Route::Step::none) break;
  }
  CHECK(steps < 10);
}

TEST_CASE("a fixed list is tried in order, and nobody hosts") {
  Route::Options options;
  options.local = "ipc://@galena/d";
  options.services = {"tcp://192.0.2.1:5", "tcp://192.0.2.2:5"};
  Route route(options);
  for (const std::string& service : options.services) {
    CHECK(route.poll(began) == Route::Step::connect);
    CHECK(route.target().endpoint == service);
    route.handle_failed(began);
  }
  CHECK(route.poll(began) == Route::Step::none);
  CHECK(route.poll(began + 10ms) == Route::Step::connect);
  CHECK(route.target().endpoint == options.services[0]);
}

}  // namespace
}  // namespace galena::names
