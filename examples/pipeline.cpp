// SPDX-License-Identifier: Apache-2.0
// A pipeline in one process: stages are named by their variables, and one handler may emit none, one or many events.
#include <fmt/core.h>

#include <galena/galena.hpp>

struct Words {
  void handle_produce(std::string_view, std::string_view line, galena::Sink& out) {
    for (auto end = line.find(' '); !line.empty(); end = line.find(' ')) {
      out.emit("word", line.substr(0, end));
      line.remove_prefix(end == line.npos ? line.size() : end + 1);
    }
  }
};

int main() {
  galena::Node node;
  galena::Producer lines{node};
  galena::ProducerConsumer words{node, Words{}, {.subscriptions = {{lines}}}};
  galena::Consumer printer{node,
                           [](std::string_view topic, std::string_view word) { fmt::print("{}: {}\n", topic, word); },
                           {.subscriptions = {{words, {"word"}}}}};

  lines.ingest("line", "lead and sulphur");
  lines.ingest("line", "make galena");
  lines.drain();
  return words.drain(std::chrono::seconds(5)) ? 0 : 1;
}
