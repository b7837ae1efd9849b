// SPDX-License-Identifier: Apache-2.0
// Programs that are wrong: `mistakes WHICH` ends by an assert, whose text goes to standard output.
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "galena/galena.hpp"

namespace {

using namespace galena;

struct Suicide {
  std::unique_ptr<Consumer<Suicide>>* self;
  void handle_consume(std::string_view, std::string_view) const { self->reset(); }
};

void own_handler() {
  Node node;
  Producer<> producer(node);
  std::unique_ptr<Consumer<Suicide>> consumer;
  consumer =
      std::make_unique<Consumer<Suicide>>(node, Suicide{&consumer}, ConsumerOptions{.subscriptions = {{producer}}});
  producer.ingest("t", "x");
  std::this_thread::sleep_for(std::chrono::seconds(30));
}

}  // namespace

int main(int argc, char** argv) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  dup2(STDOUT_FILENO, STDERR_FILENO);
  const std::string which = argc > 1 ? argv[1] : "";
  if (which == "own-handler") own_handler();
  return 2;
}
