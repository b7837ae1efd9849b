// SPDX-License-Identifier: Apache-2.0
// A node whose name service sends it anything. What it says is read by a real name service, each of its questions is
// answered once, and none stays open for ever.
#include "galena/names/client_core.hpp"

#include "galena/names/service_core.hpp"
#include "node.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

using names::ClientCore;

Id id_of(std::uint8_t number) {
  Id id;
  id.bytes.fill(number);
  return id;
}

class World {
 public:
  explicit World(Script& script) : script_(script), node_(id_of(9), "d"), service_({id_of(8), "d", {}}) {
    service_.lead(1);
  }

  void run() {
    for (int steps = 0; steps < 300 && !script_.at_end(); ++steps) {
      step();
      drain();
    }
    core().handle_disconnected();
    now_ += std::chrono::hours(100);
    core().handle_timeout(now_);
    node_.call();
    claim(node_.open() == 0, "no question stays open for ever");
  }

 private:
  ClientCore& core() { return node_.core(); }
  bool connected() { return core().state() != ClientCore::State::disconnected; }

  void step() {
    switch (script_.below(10)) {
      case 0:
        if (!connected()) core().handle_connected(now_);
        return;
      case 1:
        if (script_.below(4) == 0) core().handle_disconnected();
        return;
      case 2:
        return welcome();
      case 3:
        return core().handle_message(view(script_.frame()), now_);
      case 4:
      case 5:
        return core().handle_message(view(exact(any_answer())), now_);
      case 6:
        return core().handle_message(view(damaged(any_answer(), script_)), now_);
      case 7:
        now_ += script_.duration() / 10;
        return core().handle_timeout(now_);
      default:
        return node_.step(script_, now_);
    }
  }

  std::string any_answer() {
    const auto verb = static_cast<names::Verb>(script_.below(static_cast<std::size_t>(names::Verb::unknown)));
    return names::encode(any_message(verb, script_));
  }

  void welcome() {
    names::Message message;
    message.verb = names::Verb::welcome;
    message.version = names::spoken_versions.oldest;
    message.service = script_.id();
    message.term = script_.number();
    core().handle_message(names::encode(message), now_);
  }

  /// A service that is not the one that answers hears all that the node says.
  void drain() {
    while (const auto bytes = core().poll_send()) {
      service_.handle_message("node", false, *bytes, now_);
      claim(service_.counters().malformed == 0, "what a node says can be read");
      while (service_.poll_output()) {
      }
    }
    node_.call();
    (void)core().poll_redirect();
    claim(core().term() < names::highest_credible_term, "a node repeats no term that nobody believes");
    (void)core().poll_timeout();
  }

  Script& script_;
  Time now_ = Time{} + std::chrono::hours(1);
  Node node_;
  names::ServiceCore service_;
};

}  // namespace

void run(std::string_view bytes) {
  Script script(bytes);
  World(script).run();
}

}  // namespace galena::fuzz
