// SPDX-License-Identifier: Apache-2.0
#include "galena/names/session.hpp"

namespace galena::names {
namespace {

constexpr int frames_per_turn = 200;
constexpr Duration connect_timeout = std::chrono::seconds(1);

net::Dealer::Options dealer_options() {
  net::Dealer::Options options;
  options.linger = std::chrono::milliseconds(100);
  options.max_message_bytes = 4 << 20;
  return options;
}

}  // namespace

Session::Session(net::Context& context, net::Reactor& reactor, const std::string& endpoint, ClientCore& core,
                 std::function<void()> news)
    : endpoint_(endpoint), core_(core), news_(std::move(news)), deadline_(Clock::now() + connect_timeout) {
  net::Dealer::Callbacks callbacks;
  callbacks.readable = [this] { read(); };
  callbacks.connected = [this] {
    connected_ = true;
    core_.handle_connected(Clock::now());
    flush();
    tell();
  };
  callbacks.disconnected = [this] {
    failed_ = true;
    tell();
  };
  dealer_ = std::make_unique<net::Dealer>(context, reactor, endpoint, dealer_options(), std::move(callbacks));
}

Session::~Session() { core_.handle_disconnected(); }

Session::State Session::state() const {
  if (failed_ || core_.failed()) return State::failed;
  if (core_.redirected()) return State::redirected;
  return core_.state() == ClientCore::State::welcomed ? State::welcomed : State::connecting;
}

void Session::flush() {
  if (!connected_ || failed_) return;
  while (const auto bytes = core_.poll_send()) dealer_->send(*bytes);
}

void Session::handle_timeout(Time now) {
  // The missing answer may have arrived already: perhaps this thread has slept, and not the service.
  receive(now);
  if (!connected_ && deadline_ <= now) failed_ = true;
}

void Session::tell() {
  const auto news = news_;  // it may destroy this Session
  news();
}

void Session::read() {
  if (receive(Clock::now())) tell();
}

bool Session::receive(Time now) {
  bool any = false;
  for (int budget = frames_per_turn; budget > 0; --budget) {
    const auto frame = dealer_->receive();
    if (!frame) break;
    core_.handle_message(frame->bytes(), now);
    any = true;
  }
  return any;
}

}  // namespace galena::names
