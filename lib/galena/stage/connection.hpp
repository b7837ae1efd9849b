// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "galena/net/socket.hpp"
#include "galena/stage/node_core.hpp"

namespace galena::detail {

/// A subscription's way to its producer: finds whoever has the name, connects, and after a link has ended backs off and
/// finds again. One link at a time. On the stage's loop.
class Connection {
 public:
  /// Invariant: `connecting`, `connected` and `unread` have a socket; `backing_off` has a timer; the others have
  /// neither.
  enum class State : std::uint8_t {
    searching,    ///< nobody has the name, or only a stage whose stream has ended
    connecting,   ///< there is a link, and the producer has not accepted yet
    connected,    ///< it has
    unread,       ///< the connection has ended, and what arrived before is still to be received
    backing_off,  ///< connects again soon
    over,         ///< for good
  };
  /// Where to connect after a link has ended.
  enum class Next : std::uint8_t { same_endpoint, other_endpoint, other_stage };

  struct Callbacks {
    std::function<void(const Id& stage)> open;  ///< a link was opened: say hello
    std::function<void()> readable;             ///< something can be received, or the link has become `unread`
    std::function<void()> nobody;               ///< nobody can be connected to for now
  };

  /// `label`: of the stage, for log lines. A frame that is much larger than `largest_event` ends its link.
  Connection(NodeCore& node, Loop& loop, Source source, std::string label, std::uint64_t largest_event,
             Callbacks callbacks);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  State state() const { return state_; }
  /// Of the link, or of the last one.
  const std::string& endpoint() const { return endpoint_; }
  bool has_link() const { return dealer_ != nullptr; }
  /// Producer and consumer are in one process: what one receives is the memory that the other one sent.
  bool shares_memory() const { return shares_memory_; }

  /// Does nothing if the connection has ended.
  void send(std::string_view bytes);
  std::optional<net::Frame> receive();
  /// The producer has accepted.
  void handle_accepted();
  /// The link is over. `worked`: it served, so the next attempt need not back off as those before.
  void end_link(Next next, bool worked);
  /// Ends the link, and makes no other.
  void close();

 private:
  void handle_target(std::optional<Target> target);
  void handle_disconnected();
  void connect();
  void back_off();
  bool has_target() const;
  void enter(State state);

  NodeCore& node_;
  Loop& loop_;
  Source source_;
  std::string label_;
  std::int64_t largest_frame_;
  Callbacks callbacks_;
  State state_ = State::searching;

  std::optional<Target> target_;
  std::size_t tried_ = 0;  // so many of the target's endpoints, again and again
  std::string endpoint_;   // the last of them
  Id linked_stage_;        // of the link, or of the last one
  Id ended_stage_;         // its stream is over: nobody connects to it again
  bool shares_memory_ = false;
  bool has_warned_ = false;  // that this process is out of descriptors
  Duration back_off_;
  net::Reactor::TimerId timer_ = 0;
  std::unique_ptr<net::Dealer> dealer_;

  std::shared_ptr<Connection*> self_;  // for what is posted to the loop and may come too late
  NodeCore::WatchId watch_ = 0;
};

}  // namespace galena::detail
