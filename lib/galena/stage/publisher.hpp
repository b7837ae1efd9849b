// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "galena/core/outlet.hpp"
#include "galena/core/report.hpp"
#include "galena/detail/intake.hpp"
#include "galena/net/socket.hpp"
#include "galena/net/timer.hpp"
#include "galena/options.hpp"
#include "galena/stage/feed.hpp"
#include "galena/stage/loop.hpp"
#include "galena/stage/release_hook.hpp"
#include "galena/stage/report_queue.hpp"

namespace galena::detail {

/// The publishing side of a stage: an Outlet, the ROUTER that its subscribers connect to, and the feeds of those who
/// ingest from elsewhere. It lives on the stage's loop; what other threads may call says so.
///
/// The Intake's lock guards the Outlet: callers of ingest() append under it, the loop polls under it and sends outside
/// it. It is the only state that two threads share.
class Publisher final : public Intake {
 public:
  struct Options {
    core::Outlet::Options outlet = {};
    bool is_global = false;      ///< other processes subscribe, too
    std::string interface = {};  ///< on this one only
    std::string label;           ///< for log lines
    FeedTaker taker = {};        ///< what becomes of events and values that come from elsewhere
    bool takes_feeds = true;
    bool shares_loop = false;                              ///< other stages run on it, and may ingest here
    std::function<void()> on_room = {};                    ///< what was full has room again
    std::function<bool()> has_more = {};                   ///< some events wait for on_room; any thread
    std::function<void(std::size_t)> on_subscribers = {};  ///< how many there are now
    std::function<void()> on_settled = {};                 ///< settled_upto() has moved
  };

  Publisher(Loop& loop, net::Context& context, const Logger& logger, Options options);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  const std::vector<std::string>& endpoints() const { return endpoints_; }
  const std::string& local_endpoint() const { return endpoints_.front(); }

  std::uint64_t largest_event() const { return outlet_.buffer().largest_event(); }

  /// A whole batch of a received frame, which `frame` keeps, and which nobody else reads: it is passed on where it
  /// lies. `too_large`: it has to be taken apart. On the loop's thread.
  core::Outlet::Answer adopt(std::span<char> batch, std::uint32_t count, std::shared_ptr<void> frame);
  bool can_adopt();

  // Intake, on the thread of the call, under the lock.

  bool append(const EventView& event, core::Provenance* from) override;
  bool wait_for_room(std::unique_lock<Lock>& lock, std::optional<Time> deadline) override;
  void count_abandoned(const EventView& event) override;

  // Any thread.

  bool drain(std::optional<Time> deadline);
  bool wait_for_subscribers(std::size_t count, std::optional<Time> deadline);
  ProducerStats stats();
  /// Events nobody acknowledged, so far.
  std::uint64_t outstanding();
  /// Nobody waits any longer: the stage has failed or stops.
  void interrupt();
  /// The position of the next event; and up to where those who subscribe with an identity have acknowledged all.
  std::uint64_t next();
  std::uint64_t settled_upto();

  // The loop's thread.

  // Of the feeds, before they tell their peers.
  void count_refused() { ++refused_; }
  void count_malformed() { ++malformed_feeds_; }
  /// Sends what there is to send.
  void transmit();
  /// Takes nothing in any more, and tells everybody so.
  void begin_drain();
  /// Tells everybody that the stream ends, or, with a reason, that the stage stops.
  void end();
  void cancel_all(std::string_view reason, std::string_view detail);

 private:
  void unlock_and_wake() override;
  [[noreturn]] void refuse_size(const EventView& event) const;
  void bind();
  void transmit_later();
  void serve();
  void receive(net::Router::Message message);
  core::Report report();
  /// Answers those who asked for a report, as soon as they may be answered.
  void send_reports();
  void open_feed(const std::string& peer, const core::Offer& offer);
  void close_feeds(std::string_view reason, std::string_view detail);
  void work_feeds();
  void handle_time();
  void send(core::Parcel& parcel);
  void see_off();
  void tell(const std::string& peer, const std::string& bytes);
  void log_notes(const std::vector<std::string>& notes);
  void note_subscribers();
  bool wait_until(std::unique_lock<Lock>& lock, std::optional<Time> deadline, const std::function<bool()>& done);

  Loop& loop_;
  const Logger& logger_;
  Options options_;
  std::vector<std::string> endpoints_;

  std::condition_variable_any room_;     // memory became free: nobody is woken for less
  std::condition_variable_any changed_;  // acknowledgements, subscribers
  core::Outlet outlet_;
  std::uint64_t ingested_ = 0;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> malformed_feeds_{0};
  core::DropCounter abandoned_;
  bool wake_pending_ = false;
  bool room_found_ = false;  // by one who waited; the others are still to be told
  bool ever_subscribed_ = false;
  bool interrupted_ = false;

  // The loop's thread only.
  std::vector<core::Parcel> parcels_;
  std::vector<std::string> gone_;                                 // peers that could not be reached
  std::unordered_map<std::string, std::unique_ptr<Feed>> feeds_;  // by peer
  std::size_t told_subscribers_ = 0;
  std::uint64_t told_settled_ = 0;
  ReportQueue report_queue_;
  net::Timer report_timer_{loop_.reactor(), [this] { send_reports(); }};
  net::Reactor::TimerId timer_ = 0;
  std::shared_ptr<Publisher*> self_ = std::make_shared<Publisher*>(this);  // for what may be posted too late
  std::shared_ptr<ReleaseHook> hook_;
  std::unique_ptr<net::Router> router_;
};

}  // namespace galena::detail
