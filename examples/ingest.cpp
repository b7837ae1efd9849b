// SPDX-License-Identifier: Apache-2.0
// Hands numbers to the producer of producer.cpp, which runs elsewhere: its handle_produce makes events of them. Start
// that first, then this, then consumer.cpp.
#include <fmt/core.h>

#include <galena/galena.hpp>
#include <galena/msgpack.hpp>

int main() {
  galena::Node node;
  for (int n = 1000; n < 1003; ++n) {
    node.ingest_value(galena::global("producer"), n);  // returns when the producer has accepted it
    fmt::print("{} was accepted\n", n);
  }
}
