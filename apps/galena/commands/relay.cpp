// SPDX-License-Identifier: Apache-2.0
#include "commands/relay.hpp"

#include <algorithm>

#include "accounts/accounts.hpp"
#include "accounts/losses.hpp"
#include "accounts/searching.hpp"
#include "cli/exit_code.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

/// Events pass as they are, packed or not: only the topic may change.
struct Rename {
  Renamer rename;
  EventView handle_produce(const EventView& event) { return {rename(event.topic), event.payload, event.encoding}; }
};

template <class Handler>
int run(const RelayOptions& options, Handler handler) {
  Stop stop;
  const std::vector<Subscription> subscriptions = subscriptions_to(options.from);
  Searching searching(subscriptions);
  Losses losses;
  ProducerStats out;
  ConsumerStats in;
  {
    Node node(node_options(options.common));
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
                            .publish = {.hold = options.holding.hold,
                                        .expect = options.holding.expect,
                                        .retain_bytes = options.holding.retain_bytes,
                                        .drain = Duration::zero()}});  // done below
    if (!stop.wait_until(Clock::now() + Searching::patience)) {
      searching.say_missing(node);
      stop.wait_until(never);
    }
    relay.stop_input();
    (void)relay.drain(drain_after_signal);
    in = relay.consumer_stats();
    out = relay.producer_stats();
  }
  if (options.stats) say_accounts(options.name, out);
  make_logger(options.common)
      .info("'" + options.name + "' took " + counted(in.received, "event") + ", lost on the way to it: " +
            losses.text() + "; passed on " + std::to_string(out.ingested - std::min(out.ingested, out.outstanding)));
  if (losses.any()) say(losses.text() + " lost on the way to '" + options.name + "'");
  const bool untaken = say_untaken(options.name, out);
  if (searching.superseded()) return exit_error;
  return losses.any() || untaken ? exit_lost : exit_ok;
}

}  // namespace

int run_relay(const RelayOptions& options) {
  return options.renames.empty() ? run(options, PassThrough{}) : run(options, Rename{Renamer(options.renames)});
}

}  // namespace galena::cli
