// SPDX-License-Identifier: Apache-2.0
#include "commands/relay.hpp"

#include <algorithm>
#include <utility>

#include "accounts/accounts.hpp"
#include "accounts/losses.hpp"
#include "accounts/searching.hpp"
#include "cli/exit_code.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

constexpr Duration look_every = std::chrono::milliseconds(250);
constexpr Duration hint_after = std::chrono::seconds(2);

/// Events pass as they are, packed or not: only the topic may change.
struct Rename {
  Renamer rename;
  EventView handle_produce(const EventView& event) { return {rename(event.topic), event.payload, event.encoding}; }
};

/// Says for whom a relay waits, once for each time that it stands still.
class Standstill {
 public:
  Standstill(std::string name, std::uint64_t buffer_bytes) : name_(std::move(name)), buffer_bytes_(buffer_bytes) {}

  void look(const ProducerStats& stats) {
    std::uint64_t acknowledged = 0;
    for (const LinkInfo& link : stats.subscribers) acknowledged += link.acknowledged;
    // A subscription may have half of what is free: so it waits when that is in use.
    if (stats.buffered_bytes <= buffer_bytes_ / 4 || acknowledged != acknowledged_) {
      stands_since_ = stats.at;
      said_ = false;
    }
    acknowledged_ = acknowledged;
    if (stats.at - stands_since_ >= hint_after && !std::exchange(said_, true)) say(waiting_text(name_, stats));
  }

 private:
  std::string name_;
  std::uint64_t buffer_bytes_;
  std::uint64_t acknowledged_ = 0;
  Time stands_since_ = Clock::now();
  bool said_ = false;
};

template <class Handler>
int run(const RelayOptions& options, Handler handler) {
  Stop stop;
  std::atomic<bool> name_lost = false;
  std::vector<Subscription> subscriptions = subscriptions_to(options.from);
  for (Subscription& each : subscriptions) {
    each.largest_event = std::max(each.largest_event, options.holding.buffer_bytes / 4);  // what it can publish
  }
  Searching searching(subscriptions);
  Losses losses;
  ProducerStats out;
  ConsumerStats in;
  {
    Node node(node_options(options.common));
    const Stop::Action stopping(stop, [&node] { node.stop(); });
    ProducerConsumer relay(node, std::move(handler),
                           {.name = global(options.name),
                            .subscriptions = subscriptions,
                            .acknowledge = options.acknowledge,
                            .subscribe = {.on_state =
                                              [&](const Source& from, State state) {
                                                searching.record(from, state);
                                                if (searching.superseded()) stop.request();
                                              },
                                          .on_gap = [&losses](const Source&, const Gap& gap) { losses.add(gap); }},
                            .publish = {.buffer_bytes = options.holding.buffer_bytes,
                                        .hold = options.holding.hold,
                                        .expect = options.holding.expect,
                                        .retain_bytes = options.holding.retain_bytes,
                                        .drain = Duration::zero(),                 // done below
                                        .on_name_lost = [&](const std::string&) {  // the library has said whose it is
                                          name_lost = true;
                                          stop.request();
                                        }}});
    Standstill standstill(options.name, options.holding.buffer_bytes);
    const Time hint_at = Clock::now() + hint_after;
    for (bool hinted = false; !stop.wait_until(Clock::now() + look_every);) {
      if (Clock::now() >= hint_at && !std::exchange(hinted, true)) searching.say_missing(node);
      standstill.look(relay.producer_stats());
    }
    stop.settle();
    relay.stop_input();
    (void)relay.drain(drain_after_signal);
    in = relay.consumer_stats();
    out = relay.producer_stats();
  }
  losses.add_lost(searching.lost());
  if (options.stats) say_accounts(options.name, out);
  make_logger(options.common)
      .info("'" + options.name + "' took " + counted(in.received, "event") + ", lost on the way to it: " +
            losses.text() + "; passed on " + std::to_string(out.ingested - std::min(out.ingested, out.outstanding)));
  if (losses.any()) say(losses.text() + " lost on the way to '" + options.name + "'");
  const bool untaken = say_untaken(options.name, out);
  if (searching.superseded() || name_lost) return exit_error;
  return losses.any() || untaken ? exit_lost : exit_ok;
}

}  // namespace

int run_relay(const RelayOptions& options) {
  return options.renames.empty() ? run(options, PassThrough{}) : run(options, Rename{Renamer(options.renames)});
}

}  // namespace galena::cli
