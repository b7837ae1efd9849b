// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <galena/galena.hpp>

#include <future>
#include <iostream>
#include <string>

// A program outside of Galena. It uses each kind of stage, so that linking it shows that the library exports them.
int main() {
  galena::Node node({.domain = "outside-" + std::to_string(getpid()), .interface = "lo"});
  std::promise<std::string> received;

  galena::Producer<> greeter{node, {.name = galena::global("greeter")}};
  galena::ProducerConsumer shouter{
      node,
      [](std::string_view topic, std::string message) { return galena::Event(std::string(topic), message + "!"); },
      {.name = galena::global("shouter"), .subscriptions = {{greeter}}}};
  galena::Consumer printer{node,
                           [&](std::string_view topic, std::string_view message) {
                             received.set_value(std::string(topic) + ": " + std::string(message));
                           },
                           {.subscriptions = {{shouter}}}};

  greeter.ingest("greeting", "hello");
  const bool drained = greeter.drain(std::chrono::seconds(10));
  std::cout << "galena " << galena::version << ", " << received.get_future().get() << std::endl;
  return drained ? 0 : 1;
}
