// SPDX-License-Identifier: Apache-2.0
#include "galena/remote_producer.hpp"

#include "galena/node.hpp"
#include "galena/stage/node_access.hpp"
#include "galena/stage/remote.hpp"

namespace galena {

namespace detail {

RemoteStream::RemoteStream(Node& node, Name producer, bool values, RemoteProducerOptions options)
    : options_(options),
      remote_(std::make_unique<Remote>(NodeAccess::core(node), std::move(producer), values, options)) {}
RemoteStream::~RemoteStream() {
  if (remote_ && !remote_->is_in_its_process()) ProcessMark::abandon(remote_);
}
RemoteStream::RemoteStream(RemoteStream&&) noexcept = default;
RemoteStream& RemoteStream::operator=(RemoteStream&&) noexcept = default;

RemoteStream::Ticket RemoteStream::send(const EventView& event) { return remote_->take(event, options_.timeout); }
RemoteStream::Answer RemoteStream::answer(Ticket ticket, const Until& until) { return remote_->answer(ticket, until); }
bool RemoteStream::withdraw(Ticket ticket) { return remote_->withdraw(ticket); }
bool RemoteStream::drain(const Until& until) { return remote_->drain(until); }
void RemoteStream::close() { remote_->close(); }
RemoteStream::Counts RemoteStream::counts() const { return remote_->counts(); }

}  // namespace detail
}  // namespace galena
