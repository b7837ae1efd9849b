// SPDX-License-Identifier: Apache-2.0
#include "galena/node.hpp"

#include "galena/error.hpp"
#include "galena/remote_producer.hpp"
#include "galena/stage/inquiry.hpp"
#include "galena/stage/node_core.hpp"

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

Node::Node(NodeOptions options) : core_(std::make_unique<detail::NodeCore>(std::move(options))) {}

Node::Node(std::unique_ptr<detail::NodeCore> core) : core_(std::move(core)) {}

Node::~Node() {
  if (core_->is_in_its_process()) {
    core_->close_remotes();
  } else {
    ProcessMark::abandon(core_);
  }
}

void Node::run() {
  core_->check_process();
  const net::SignalScope signals(core_->bell());
  core_->bell().wait(std::nullopt);
  if (const auto failure = core_->take_failure()) std::rethrow_exception(failure);
}

bool Node::run_for(Duration timeout) {
  core_->check_process();
  const net::SignalScope signals(core_->bell());
  const bool rang = core_->bell().wait(Clock::now() + timeout);
  if (const auto failure = core_->take_failure()) std::rethrow_exception(failure);
  return rang;
}

void Node::stop() {
  core_->check_process();
  core_->bell().ring();
}

std::vector<NameEntry> Node::list(Duration timeout) {
  core_->check_process();
  const auto entries = core_->list(timeout);
  if (!entries) {
    throw Error(ErrorCode::unreachable,
                "no name service is in reach: start a stage or `galena names`, or say where one is with --names");
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

void Node::ingest_event(const Name& producer, const EventView& event, bool is_value, Duration timeout) {
  core_->check_process();
  const Time deadline = Clock::now() + timeout;
  RemoteProducer& remote = core_->remote(*this, producer, is_value);
  remote.wait(remote.send(event, deadline), deadline);
}

const NodeOptions& Node::options() const { return core_->options(); }

}  // namespace galena
