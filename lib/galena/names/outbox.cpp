// SPDX-License-Identifier: Apache-2.0
#include "galena/names/outbox.hpp"

namespace galena::names {

void Outbox::refuse(const std::string& peer, bool delimited, std::uint64_t request, const std::string& reason) {
  ++refused_;
  Message message;
  message.verb = Verb::refused;
  message.request = request;
  message.reason = reason;
  send(peer, message, delimited);
}

std::optional<Outbox::Out> Outbox::poll() {
  if (output_.empty()) return std::nullopt;
  Out out = std::move(output_.front());
  output_.pop_front();
  return out;
}

}  // namespace galena::names
