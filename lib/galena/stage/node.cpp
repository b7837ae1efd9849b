// SPDX-License-Identifier: Apache-2.0
#include "galena/node.hpp"

#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/stage/inquiry.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/remotes.hpp"

namespace galena {
namespace {

std::string_view kind_text(names::Kind kind) {
  switch (kind) {
    case names::Kind::producer:
      return "producer";
    case names::Kind::producer_consumer:
      return "producer-consumer";
    case names::Kind::consumer:
      break;
  }
  return "consumer";
}

}  // namespace

Node::Node(NodeOptions options)
    : core_(std::make_shared<detail::NodeCore>(std::move(options))),
      remotes_(std::make_unique<detail::Remotes>(core_)) {}

Node::Node(std::unique_ptr<detail::NodeCore> core)
    : core_(std::move(core)), remotes_(std::make_unique<detail::Remotes>(core_)) {}

Node::~Node() {
  if (core_->is_in_its_process()) return;
  ProcessMark::abandon(remotes_);
  ProcessMark::abandon(core_);
}

void Node::run() { (void)run_for(never); }

bool Node::run_for(const Until& until) {
  core_->check_process();
  const net::SignalScope signals(core_->bell());
  net::Bell stop;  // for this call alone
  const std::stop_callback on_stop(until.stop(), [&stop] { stop.ring(); });
  const bool rang = core_->bell().wait(until.deadline(), &stop);
  if (rang) core_->end_waits();
  if (const auto failure = core_->take_failure()) std::rethrow_exception(failure);
  return rang;
}

void Node::stop() {
  core_->check_process();
  core_->end_waits();
  core_->bell().ring();
}

std::vector<NameEntry> Node::list(Duration timeout) {
  core_->check_process();
  const auto entries = core_->list(timeout);
  if (!entries) {
    throw Error(ErrorCode::unreachable, fmt::format("no name service is in reach ({})", core_->services_asked()));
  }
  std::vector<NameEntry> list;
  for (const names::Entry& entry : *entries) {
    const names::Registration& owner = entry.registration;
    list.push_back({owner.name, std::string(kind_text(owner.kind)), owner.endpoints, owner.host_name, owner.pid,
                    entry.age, owner.subscribers});
  }
  return list;
}

ProducerStats Node::stats(const Name& producer, Duration timeout) {
  core_->check_process();
  return detail::inquire(*core_, producer, timeout);
}

void Node::ingest_event(const Name& producer, const EventView& event, bool is_value, const Until& until) {
  core_->check_process();
  const auto remote = remotes_->to(producer, is_value);
  const auto ticket = remote->take(event, until);
  const auto answer = remote->answer(ticket, until);
  switch (answer.verdict) {
    case Verdict::accepted:
      return;
    case Verdict::refused:
      throw Error(ErrorCode::refused, "'" + producer.text + "' refused the event: " + answer.reason);
    case Verdict::pending:
      if (remote->withdraw(ticket)) {
        if (Clock::now() >= until.deadline()) throw remote->late();
        throw Error(ErrorCode::stopped, "the event for '" + producer.text + "' was not taken: told to stop");
      }
      throw Error(ErrorCode::unknown, "'" + producer.text +
                                          "' did not answer in time: the event may have been accepted, or be accepted "
                                          "later, or not");
    case Verdict::withdrawn:
    case Verdict::unknown:
      throw Error(ErrorCode::unknown, answer.reason);
  }
}

const NodeOptions& Node::options() const { return core_->options(); }

}  // namespace galena
