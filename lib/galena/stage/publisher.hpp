// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "galena/core/report.hpp"
#include "galena/net/socket.hpp"
#include "galena/net/timer.hpp"
#include "galena/options.hpp"
#include "galena/stage/addresses.hpp"
#include "galena/stage/ages.hpp"
#include "galena/stage/feed.hpp"
#include "galena/stage/late_loop.hpp"
#include "galena/stage/outlet_driver.hpp"
#include "galena/stage/report_queue.hpp"
#include "galena/stats.hpp"

namespace galena::detail {

/// The publishing side of a stage: the ROUTER that its subscribers connect to, an OutletDriver that speaks through it,
/// and the feeds of those who ingest from elsewhere. It lives on the stage's loop; what other threads may call says so.
class Publisher final : public Door {
 public:
  struct Options {
    OutletDriver::Options driver = {};
    bool is_global = false;      ///< other processes subscribe, too
    std::string interface = {};  ///< on this one only
    bool takes_feeds = true;
    ValueHandler handler = {};  ///< of a producer: for values that come from elsewhere
  };

  Publisher(Loop& loop, net::Context& context, const Logger& logger, Options options);
  ~Publisher() override;

  const std::vector<std::string>& endpoints() const { return endpoints_; }
  const std::string& local_endpoint() const { return endpoints_.front(); }
  OutletDriver& driver() { return *driver_; }

  // Any thread.

  ProducerStats stats();
  /// Ends all that waits, and nothing waits any more. See OutletDriver and Loop.
  void end_waits();
  /// The same; and nothing is taken any more, not from elsewhere either.
  void close();
  /// Waits until no handler runs for a value from elsewhere. Requires: close(), and that the loop has
  /// gone on since. Not the loop's thread.
  void join_handlers() { handlers_.join(); }

  // The loop's thread.

  void transmit() { driver_->transmit(); }
  /// The same, and holds nothing back.
  void flush();
  /// Takes nothing in any more, and tells everybody so.
  void begin_drain();
  /// Tells everybody that the stream ends.
  void end();
  /// Tells everybody, with a reason, that the stage stops.
  void cancel_all(std::string_view reason, std::string_view detail);

 private:
  net::Sent send(const std::string& peer, std::string_view bytes) override;
  net::Sent lend(const std::string& peer, net::Loan loan) override;
  void bind();
  void serve();
  void receive(net::Router::Message message);
  void tell(core::Outlet::Change change);
  core::Report report();
  /// Answers those who asked for a report, as soon as they may be answered.
  void send_reports();
  void open_feed(const std::string& peer, const core::Offer& offer);
  void close_feeds(std::string_view reason, std::string_view detail);
  std::shared_ptr<ValueCalls> make_calls(const std::string& peer);
  void work_feed(const std::string& peer);
  void work_feeds();
  void handle_time();
  void note_unreachable(const std::string& peer);
  void see_off();
  void tell(const std::string& peer, const std::string& bytes);

  Loop& loop_;
  const Logger& logger_;
  Options options_;
  std::vector<std::string> endpoints_;
  FeedCounts feed_counts_;
  Addresses addresses_;  // under the driver's lock
  Ages ages_;            // the same
  bool stops_ = false;   // there are no feeds any more

  std::vector<std::string> gone_;                                 // peers that could not be reached
  std::unordered_map<std::string, std::unique_ptr<Feed>> feeds_;  // by peer
  ReportQueue report_queue_;
  net::Timer report_timer_{loop_.reactor(), [this] { send_reports(); }};
  net::Reactor::TimerId timer_ = 0;
  std::shared_ptr<Publisher*> self_ = std::make_shared<Publisher*>(this);  // for what may be posted too late
  std::unique_ptr<net::Router> router_;
  std::unique_ptr<OutletDriver> driver_;
  LateLoop handlers_;  // where the handler is called for values from elsewhere
};

}  // namespace galena::detail
