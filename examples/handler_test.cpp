// SPDX-License-Identifier: Apache-2.0
// A unit test of handlers. They are plain structs: nothing is sent, and no Node is needed.
#include <galena/galena.hpp>
#include <galena/msgpack.hpp>
#include <string>

struct Reading {
  std::string sensor;
  double celsius = 0;
  MSGPACK_DEFINE(sensor, celsius)
};

/// For a ProducerConsumer: passes readings on that are too hot, and counts all of them.
struct Alarm {
  int readings = 0;
  void handle_produce(const galena::EventView& event, galena::Sink& out) {
    const auto reading = event.as<Reading>();
    if (!reading) return;
    ++readings;
    if (reading->celsius > 100) out.emit("alarm/" + reading->sensor, *reading);
  }
};

int main() {
  Alarm alarm;
  galena::Sink sink;  // gathers what is emitted
  alarm.handle_produce(galena::Event("room", Reading{"oven", 180.5}).view(), sink);
  alarm.handle_produce(galena::Event("room", Reading{"pond", 7}).view(), sink);
  alarm.handle_produce(galena::Event("room", "no reading").view(), sink);

  const bool right = alarm.readings == 2 && sink.size() == 1 && sink.events()[0].topic == "alarm/oven" &&
                     sink.events()[0].as<Reading>()->celsius == 180.5;
  return right ? 0 : 1;
}
