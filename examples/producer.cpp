// SPDX-License-Identifier: Apache-2.0
#include <galena/galena.hpp>
#include <galena/msgpack.hpp>  // for those who hand over numbers, see ingest.cpp
#include <string>

struct Greeter {
  galena::Event handle_produce(int n) { return {"topic", "Hola" + std::to_string(n)}; }
};

int main() {
  galena::Node node;
  galena::Producer producer{node, Greeter{}, {.name = galena::global("producer")}};
  for (int n = 1; n <= 100; ++n) producer.ingest(n);
  producer.drain();  // waits for a subscriber, and until all of them have everything
}
