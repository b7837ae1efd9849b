// SPDX-License-Identifier: Apache-2.0
// Any type that MessagePack can pack travels as a message; here, a struct.
#include <fmt/core.h>

#include <galena/galena.hpp>
#include <galena/msgpack.hpp>
#include <string>

struct Reading {
  std::string sensor;
  double celsius = 0;
  MSGPACK_DEFINE(sensor, celsius)
};

int main() {
  galena::Node node;
  galena::Producer thermometers{node};
  galena::Consumer display{node,
                           [](std::string_view topic, const Reading& reading) {
                             fmt::print("{}: {} is at {:.1f} degrees\n", topic, reading.sensor, reading.celsius);
                           },
                           {.subscriptions = {{thermometers, {galena::prefix("room/")}}}}};

  thermometers.ingest("room/kitchen", Reading{"oven", 180.5});
  thermometers.ingest("garden", Reading{"pond", 7.0});  // not selected: never sent
  thermometers.ingest("room/cellar", Reading{"shelf", 11.25});
  thermometers.drain();
}
