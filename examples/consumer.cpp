// SPDX-License-Identifier: Apache-2.0
#include <galena/galena.hpp>
#include <iostream>

struct Printer {
  void handle_consume(std::string_view topic, std::string_view message) {
    std::cout << topic << ": " << message << std::endl;
  }
};

int main() {
  galena::Node node;
  galena::Consumer consumer{node, Printer{}, {.subscriptions = {{galena::global("producer"), {"topic"}}}}};
  node.run();  // until Ctrl-C
}
