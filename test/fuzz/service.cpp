// SPDX-License-Identifier: Apache-2.0
// A name service among nodes that send it anything, and one that keeps the protocol. What it answers can be read, the
// faithful node's questions are answered, and what it keeps stays within its limits.
#include "galena/names/service_core.hpp"

#include "node.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

using names::ClientCore;
using names::ServiceCore;

Id id_of(std::uint8_t number) {
  Id id;
  id.bytes.fill(number);
  return id;
}

constexpr const char* faithful_peer = "faithful";

class World {
 public:
  explicit World(Script& script)
      : script_(script), limits_(any_limits(script)), service_({id_of(8), "d", limits_}), node_(id_of(9), "d") {
    service_.lead(1);
  }

  void run() {
    for (int steps = 0; steps < 300 && !script_.at_end(); ++steps) {
      step();
      deliver();
      check_limits();
    }
    core().handle_disconnected();
    now_ += std::chrono::hours(100);
    core().handle_timeout(now_);
    node_.call();
    claim(node_.open() == 0, "no question stays open for ever");
    service_.handle_timeout(now_);  // questions that were deferred are answered, and begin a session
    service_.handle_timeout(now_ + std::chrono::hours(1));
    claim(service_.sessions() == 0 && service_.entries() == 0, "who says nothing any more is forgotten");
  }

 private:
  static names::Limits any_limits(Script& script) {
    if (script.flag()) return {};
    return {.name_bytes = 40,
            .sessions = 3,
            .entries = 4,
            .names_per_session = 3,
            .watches_per_session = 3,
            .requests_per_name = 2,
            .deferred = 3,
            .page_bytes = 300};
  }

  ClientCore& core() { return node_.core(); }
  bool connected() { return core().state() != ClientCore::State::disconnected; }

  void step() {
    switch (script_.below(12)) {
      case 0:
      case 1:
      case 2:
        return hear(exact(any_question()));
      case 3:
        return hear(damaged(any_question(), script_));
      case 4:
        return hear(script_.frame());
      case 5:
        return service_.handle_gone(any_peer(), now_);
      case 6:
        return service_.handle_doubt(any_peer());
      case 7:
        now_ += script_.duration() / 10;
        core().handle_timeout(now_);
        return service_.handle_timeout(now_);
      case 8:
        return script_.below(4) == 0 ? change_leader() : connect();
      default:
        return node_.step(script_, now_);
    }
  }

  std::string any_peer() { return std::string(1, static_cast<char>('a' + script_.below(5))); }
  std::string any_question() {
    const auto verb = static_cast<names::Verb>(script_.below(static_cast<std::size_t>(names::Verb::unknown)));
    return names::encode(any_message(verb, script_));
  }
  void hear(const std::vector<char>& frame) {
    const std::string peer = any_peer();
    service_.handle_message(peer, script_.below(8) == 0, view(frame), now_);
  }

  void change_leader() {
    if (script_.flag()) {
      service_.lead(script_.number());
    } else {
      names::ServiceAddress leader;
      leader.service = script_.id();
      leader.term = script_.number();
      leader.endpoints.emplace_back(script_.text());
      service_.follow(std::move(leader));
    }
  }

  void connect() {
    if (connected()) {
      if (script_.flag()) service_.handle_gone(faithful_peer, now_);
      core().handle_disconnected();
    } else {
      core().handle_connected(now_);
    }
  }

  /// What the service and the faithful node say to each other.
  void deliver() {
    const std::uint64_t malformed = service_.counters().malformed;
    for (bool any = true; any;) {
      any = false;
      while (const auto bytes = core().poll_send()) {
        any = true;
        service_.handle_message(faithful_peer, false, *bytes, now_);
      }
      while (const auto out = service_.poll_output()) {
        any = true;
        check_answer(*out);
        if (out->peer == faithful_peer && connected()) core().handle_message(out->bytes, now_);
      }
      node_.call();
    }
    claim(service_.counters().malformed == malformed, "what a node says can be read");
    (void)core().poll_redirect();
    while (service_.poll_announced()) {
    }
  }

  static void check_answer(const ServiceCore::Out& out) {
    const auto message = names::decode(out.bytes);
    claim(message.has_value(), "what a service says can be read");
    claim(message->verb != names::Verb::unknown, "what a service says has a verb of this version");
    claim(names::encode(*message) == out.bytes, "what a service says is read as what it is");
  }

  void check_limits() {
    claim(service_.sessions() <= limits_.sessions, "sessions stay within the limit");
    claim(service_.entries() <= limits_.entries, "names stay within the limit");
    claim(service_.highest_term() < names::highest_credible_term, "a service hears no term that nobody believes");
    (void)service_.poll_timeout();
  }

  Script& script_;
  Time now_ = Time{} + std::chrono::hours(1);
  const names::Limits limits_;
  ServiceCore service_;
  Node node_;
};

}  // namespace

void run(std::string_view bytes) {
  Script script(bytes);
  World(script).run();
}

}  // namespace galena::fuzz
