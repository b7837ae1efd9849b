// SPDX-License-Identifier: Apache-2.0
// A unit test of handlers. They are plain structs: nothing is sent, and no Node is needed.
#include <galena/galena.hpp>
#include <galena/msgpack.hpp>
#include <galena/testing.hpp>
#include <map>
#include <string>

struct Reading {
  std::string sensor;
  double celsius = 0;
  MSGPACK_DEFINE(sensor, celsius)
};

/// For a ProducerConsumer: passes readings on that are too hot, and counts all of them for each producer.
struct Alarm {
  std::map<std::string, int, std::less<>> readings;
  void handle_produce(const galena::EventView& event, galena::Sink& out) {
    const auto reading = event.as<Reading>();
    if (!reading || event.repeated) return;
    ++readings[std::string(event.producer())];
    if (reading->celsius > 100) out.emit("alarm/" + reading->sensor, *reading);
  }
};

int main() {
  Alarm alarm;
  galena::Sink sink;  // gathers what is emitted
  const auto give = [&](const galena::TestEvent& event) { alarm.handle_produce(event.view(), sink); };
  give({"room", Reading{"oven", 180.5}});
  give({"room", Reading{"pond", 7}, {.producer = "garden", .position = 41}});
  give({"room", Reading{"pond", 170}, {.producer = "garden", .position = 41, .repeated = true}});
  give({"room", "no reading"});

  const bool right = alarm.readings == decltype(alarm.readings){{"producer", 1}, {"garden", 1}} && sink.size() == 1 &&
                     sink.events()[0].topic == "alarm/oven" && sink.events()[0].as<Reading>()->celsius == 180.5;
  return right ? 0 : 1;
}
