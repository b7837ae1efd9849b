// SPDX-License-Identifier: Apache-2.0
// Small programs that are looked at from outside. `mistakes WHICH` is wrong and ends by an assert, whose text goes to
// standard output; `mistakes tuned` says what its first Node did to its process.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
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

int tuned() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = 512;
  setrlimit(RLIMIT_NOFILE, &files);
  std::srand(1);
  const int expected = std::rand();
  std::srand(1);
  const Node node;
  getrlimit(RLIMIT_NOFILE, &files);
  std::printf("files %s, rand %s\n", files.rlim_cur == files.rlim_max ? "raised" : "as they were",
              std::rand() == expected ? "as it was" : "seeded");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  dup2(STDOUT_FILENO, STDERR_FILENO);
  const std::string which = argc > 1 ? argv[1] : "";
  if (which == "own-handler") own_handler();
  if (which == "tuned") return tuned();
  return 2;
}
