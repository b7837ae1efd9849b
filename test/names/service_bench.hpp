// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "galena/names/message.hpp"
#include "galena/names/service_core.hpp"

namespace galena::names {

inline constexpr Time start = Time{} + std::chrono::hours(1);

inline Id id_of(std::uint8_t number) {
  Id id;
  id.bytes.back() = number;
  return id;
}

inline Registration registration_of(const std::string& name, std::uint8_t stage) {
  Registration registration;
  registration.name = name;
  registration.stage = id_of(stage);
  registration.host_name = "host";
  registration.endpoints = {"tcp://192.0.2.1:" + std::to_string(1000 + stage)};
  return registration;
}

/// A ServiceCore with its peers, under a clock that moves only when told.
struct ServiceBench {
  explicit ServiceBench(Limits limits = {}) : core(options(limits)) { core.lead(3); }

  static ServiceCore::Options options(const Limits& limits) {
    ServiceCore::Options options;
    options.id = id_of(200);
    options.domain = "d";
    options.limits = limits;
    return options;
  }

  void say(const std::string& peer, const Message& message, bool delimited = false) {
    core.handle_message(peer, delimited, encode(message), now);
    deliver();
  }
  void deliver() {
    while (const auto out = core.poll_output()) {
      if (dead.contains(out->peer)) {
        core.handle_gone(out->peer, now);
      } else {
        heard[out->peer].push_back(*decode(out->bytes));
      }
    }
  }
  void pass(Duration time) {
    const Time end = now + time;
    while (core.poll_timeout() <= end) {
      now = std::max(now, core.poll_timeout());
      core.handle_timeout(now);
      deliver();
    }
    now = end;
  }
  /// What `peer` heard since it was last asked.
  std::vector<Message> take(const std::string& peer) { return std::exchange(heard[peer], {}); }
  std::vector<Verb> take_verbs(const std::string& peer) {
    std::vector<Verb> verbs;
    for (const Message& message : take(peer)) verbs.push_back(message.verb);
    return verbs;
  }

  void hello(const std::string& peer, Id from = {}, Duration lease = std::chrono::seconds(6),
             std::uint64_t registered = 0) {
    Message message;
    message.verb = Verb::hello;
    message.version = spoken_versions.oldest;
    message.domain = "d";
    message.service = from;
    message.lease = lease;
    message.registered = registered;
    say(peer, message);
    take(peer);
  }
  void register_name(const std::string& peer, const Registration& registration, Token token = {}, Duration age = {}) {
    Message message;
    message.verb = Verb::register_name;
    message.request = 7;
    message.entry = Entry{registration, token, age};
    say(peer, message);
  }
  void watch(const std::string& peer, const std::string& name, std::uint64_t watchers = 1) {
    Message message;
    message.verb = Verb::watch;
    message.name = name;
    message.watchers = watchers;
    say(peer, message);
  }
  void simple(const std::string& peer, Verb verb, const std::string& name = {}, Id stage = {}) {
    Message message;
    message.verb = verb;
    message.request = 8;
    message.name = name;
    message.stage = stage;
    say(peer, message);
  }
  void answer_challenge(const std::string& peer, const Message& challenge, Verb verb) {
    Message message;
    message.verb = verb;
    message.challenge = challenge.challenge;
    message.name = challenge.name;
    message.stage = challenge.stage;
    say(peer, message);
  }
  /// Who holds `name`, as a stranger is told.
  std::optional<Entry> lookup(const std::string& name) {
    simple("stranger", Verb::lookup, name);
    const auto answers = take("stranger");
    return answers.empty() ? std::nullopt : answers.back().entry;
  }

  ServiceCore core;
  Time now = start;
  std::map<std::string, std::vector<Message>> heard;
  std::set<std::string> dead;
};

}  // namespace galena::names
