// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "galena/detail/message.hpp"
#include "galena/error.hpp"
#include "galena/event.hpp"
#include "galena/stage/door.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/outlet_driver.hpp"
#include "galena/stage/verdicts.hpp"
#include "galena/until.hpp"
#include "galena/verdict.hpp"

namespace galena::detail {

/// A connection to a producer elsewhere that takes events (ingest): an OutletDriver whose one subscriber is that
/// producer, over a DEALER. It lives on the node's loop; what other threads may call says so.
///
/// Events wait in a queue of its own until the producer has granted credit for them: only then do they go to the
/// Outlet, so whatever is in the queue has not been sent, and can be withdrawn.
class Remote final : public Door {
 public:
  using Ticket = std::uint64_t;  ///< RemoteStream::Ticket

  Remote(std::shared_ptr<NodeCore> node, Name producer, bool values, const RemoteProducerOptions& options);
  ~Remote() override;

  // Any thread but the node's own.

  bool is_in_its_process() const { return node_->is_in_its_process(); }
  /// Throws Error, and then the event was not taken: invalid, timeout, unreachable, stopped.
  Ticket take(const EventView& event, const Until& until);
  RemoteAnswer answer(Ticket ticket, const Until& until);
  bool withdraw(Ticket ticket);
  bool drain(const Until& until);
  void close();
  RemoteCounts counts();
  /// Why an event that still waits does: for an Error.
  Error late();

 private:
  struct Waiting {
    Ticket ticket;
    Event event;
  };

  template <class Done>
  bool wait(std::unique_lock<std::mutex>& lock, const Until& until, Done done);
  void record(Ticket first, Ticket last, Verdict verdict, const std::string& reason);
  void end_waits();

  // The loop's thread.
  net::Sent send(const std::string& peer, std::string_view bytes) override;
  net::Sent lend(const std::string& peer, net::Loan loan) override;
  void handle_target(std::optional<Target> target);
  void connect();
  void read();
  bool handle(const core::Message& message);
  void handle_answers();
  void pump_later();
  void pump();
  bool pump_some();
  void deny(const std::string& why);
  void lose();
  std::uint64_t sent_over_link();
  void handle_time();
  void give_hint();
  bool has_link();

  const std::shared_ptr<NodeCore> node_;
  const Name name_;
  const bool values_;
  const RemoteProducerOptions options_;

  std::mutex mutex_;  // guards these
  std::condition_variable_any changed_;
  std::deque<Waiting> queue_;
  std::uint64_t queued_bytes_ = 0;
  std::deque<Waiting> sent_;  // put into the Outlet and not answered, in order
  Ticket last_ = 0;
  Verdicts verdicts_;
  RemoteCounts counts_;  // those of answered events
  bool pump_posted_ = false;
  bool found_ = false;  // its name leads to a stage
  bool ever_connected_ = false;
  bool closed_ = false;
  std::uint64_t ended_waits_ = 0;

  // The loop's thread only.
  std::shared_ptr<Remote*> self_ = std::make_shared<Remote*>(this);  // for what may be posted too late
  NodeCore::WatchId watch_ = 0;
  NodeCore::StopperId stopper_ = 0;
  std::optional<Target> target_;
  std::size_t endpoint_ = 0;
  std::uint64_t epoch_ = 0;
  std::string peer_;
  Id connected_stage_;
  Id denied_by_;                     // this stage takes no such events
  bool linked_ = false;              // the producer has subscribed
  std::uint64_t largest_event_ = 0;  // that it takes, then
  std::uint64_t answered_ = 0;       // deliveries of this link
  std::unique_ptr<net::Dealer> dealer_;
  net::Reactor::TimerId timer_ = 0;
  net::Reactor::TimerId retry_timer_ = 0;
  net::Reactor::TimerId hint_timer_ = 0;
  std::unique_ptr<OutletDriver> driver_;
};

}  // namespace galena::detail
