// SPDX-License-Identifier: Apache-2.0
#include <galena/galena.hpp>
#include <string>

struct Shouter {
  galena::Event handle_produce(std::string_view, std::string message) { return {"loud", message + "!"}; }
};

int main() {
  galena::Node node;
  galena::ProducerConsumer shouter{
      node, Shouter{}, {.name = galena::global("shouter"), .subscriptions = {{galena::global("producer"), {"topic"}}}}};
  node.run();
}
