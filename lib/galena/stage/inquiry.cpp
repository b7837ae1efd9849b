// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/inquiry.hpp"

#include <algorithm>
#include <atomic>
#include <future>

#include <fmt/format.h>

#include "galena/core/message.hpp"
#include "galena/core/report.hpp"
#include "galena/error.hpp"
#include "galena/net/socket.hpp"
#include "galena/net/timer.hpp"
#include "galena/stage/hints.hpp"

namespace galena::detail {
namespace {

/// A stage that has not answered for so long is asked again, over a new connection.
constexpr Duration retry_interval = std::chrono::milliseconds(500);

constexpr auto longest_ms =
    static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(Duration::max()).count());

/// One question to one stage, on the node's loop. Asks at its endpoints in order, again and again, until it answers.
class Inquiry {
 public:
  explicit Inquiry(NodeCore& node) : node_(node), retry_(node.loop().reactor(), [this] { ask(); }) {}

  void handle_target(const std::optional<Target>& target) {
    if (!target || target->endpoints.empty()) return;  // the stage may come back
    endpoints_ = target->endpoints;
    next_ = 0;
    found_ = true;
    ask();
  }
  std::future<core::Report> answer() { return answer_.get_future(); }
  bool found() const { return found_; }

 private:
  void ask() {
    dealer_.reset();
    retry_.set(never);
    if (answered_) return;
    retry_.set(Clock::now() + retry_interval);
    if (next_ >= endpoints_.size()) next_ = 0;
    try {
      dealer_ = std::make_unique<net::Dealer>(
          node_.context(), node_.loop().reactor(), endpoints_[next_++],
          net::Dealer::Options{.max_message_bytes = core::max_message_bytes, .linger = Duration::zero()},
          net::Dealer::Callbacks{[this] { read(); }, {}, [this] { handle_disconnected(); }});
    } catch (const Error&) {  // not an endpoint that can be used from here
      return handle_disconnected();
    }
    dealer_->send(core::encode(core::Inquire{}));
  }

  /// The next endpoint is tried at once; after the last one there is a pause.
  void handle_disconnected() {
    dealer_.reset();
    if (next_ < endpoints_.size()) ask();
  }

  void read() {
    const auto frame = dealer_->receive();
    if (!frame || answered_) return;
    if (auto report = core::decode_report(frame->bytes())) {
      answered_ = true;
      retry_.set(never);
      answer_.set_value(std::move(*report));
      return;
    }
    const auto message = core::decode(frame->bytes());
    const auto* const cancel = message ? std::get_if<core::Cancel>(&*message) : nullptr;
    if (cancel == nullptr || cancel->reason != core::reason::version) return;
    answered_ = true;
    answer_.set_exception(std::make_exception_ptr(
        Error(ErrorCode::unreachable, "the stage speaks another version of the protocol: " + cancel->detail)));
  }

  NodeCore& node_;
  net::Timer retry_;
  std::vector<std::string> endpoints_;
  std::size_t next_ = 0;
  std::unique_ptr<net::Dealer> dealer_;
  std::promise<core::Report> answer_;
  bool answered_ = false;
  std::atomic<bool> found_{false};
};

ProducerStats stats_of(core::Report report) {
  ProducerStats stats;
  stats.ingested = report.ingested;
  stats.outstanding = report.outstanding;
  stats.oldest = std::chrono::milliseconds(std::min(report.oldest_ms, longest_ms));
  for (const auto& [what, count] : report.drops) stats.dropped += count;
  stats.drops = std::move(report.drops);
  stats.refused = report.refused;
  stats.malformed = report.malformed;
  stats.wrong_version = report.wrong_version;
  stats.buffered_bytes = report.buffered_bytes;
  stats.subscribers = std::move(report.subscribers);
  return stats;
}

}  // namespace

ProducerStats inquire(NodeCore& node, const Name& name, Duration timeout) {
  auto inquiry = std::make_shared<Inquiry>(node);
  auto answer = inquiry->answer();
  const auto watch =
      node.watch(name, node.loop(), [held = std::weak_ptr(inquiry)](const std::optional<Target>& target) {
        if (const auto asking = held.lock()) asking->handle_target(target);
      });
  const bool answered = answer.wait_until(deadline_in(timeout)) == std::future_status::ready;
  node.unwatch(watch);
  const bool found = inquiry->found();
  node.loop().call([&] { inquiry.reset(); });  // its socket lives there
  if (answered) return stats_of(answer.get());
  if (!found) {
    throw Error(ErrorCode::unreachable, not_found(node, name));
  }
  throw Error(ErrorCode::timeout,
              fmt::format("the stage '{}' was found but did not answer in time; is it busy, or stopped?", name.text));
}

}  // namespace galena::detail
