// SPDX-License-Identifier: Apache-2.0
#include "commands/pub.hpp"

#include <algorithm>
#include <string_view>

#include <unistd.h>

#include "accounts/accounts.hpp"
#include "cli/exit_code.hpp"
#include "io/lines.hpp"
#include "io/pace.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

// Consumers that were waiting for the name have so long to subscribe; they may have died.
constexpr Duration patience_with_waiting = std::chrono::seconds(5);
constexpr Duration silence_before_hint = std::chrono::seconds(2);

class Pub {
 public:
  explicit Pub(const PubOptions& options)
      : options_(options),
        node_(node_options(options.common)),
        producer_(node_, {.name = global(options.name),
                          .hold = options.holding.hold,
                          .expect = options.holding.expect,
                          .retain_bytes = options.holding.retain_bytes,
                          .drain = Duration::zero()}) {  // done by finish(), which knows of signals
  }

  int run() {
    if (!wait_for_start()) return exit_ok;
    const bool fine = publish_lines();
    const int code = finish();
    return fine ? code : exit_error;
  }

 private:
  bool wait_for_start() {
    if (options_.now) return true;
    const std::uint32_t waiting = producer_.waiting();
    const std::uint32_t needed = options_.subscribers.value_or(std::max(1U, waiting));
    const Time start = Clock::now();
    bool hinted = false;
    while (!stop_.requested()) {
      if (producer_.wait_for_subscribers(needed, slice)) return true;
      const Duration waited = Clock::now() - start;
      if (!options_.subscribers && waited > patience_with_waiting &&
          producer_.wait_for_subscribers(1, Duration::zero())) {
        say("not all of the " + counted(needed, "consumer") + " that waited for '" + options_.name +
            "' have subscribed; starting without them");
        return true;
      }
      if (!hinted && waited > silence_before_hint) {
        say("waiting for " + counted(needed, "subscriber") + " of '" + options_.name + "' (--now does not wait)");
        hinted = true;
      }
    }
    return false;
  }

  /// False if a line made no sense or could not be read: it said so, and what came before that is published.
  bool publish_lines() {
    std::optional<Pace> pace;
    if (options_.rate) pace.emplace(*options_.rate);
    try {
      while (!options_.count || lines_.number() < *options_.count) {
        const auto line = lines_.next();
        if (!line) break;
        std::string_view topic = options_.topic ? *options_.topic : *line;
        std::string_view message = *line;
        if (!options_.topic) {
          const std::size_t tab = line->find('\t');
          if (tab == std::string_view::npos) {
            throw Error(ErrorCode::invalid, "line " + std::to_string(lines_.number()) +
                                                " has no tab, so it has no topic: give one for all lines with --topic");
          }
          topic = line->substr(0, tab);
          message = line->substr(tab + 1);
        }
        if ((pace && !pace->wait(stop_)) || !publish(topic, message)) {
          ++in_hand_;
          break;
        }
      }
    } catch (const Error& error) {
      say(error.what());
      return false;
    }
    return true;
  }

  /// False if a stop was requested while the buffer was full.
  bool publish(std::string_view topic, std::string_view message) {
    try {
      if (producer_.try_ingest(topic, message)) return true;
    } catch (const Error& error) {  // it is too large
      throw Error(error.code(), "line " + std::to_string(lines_.number()) + ": " + error.what());
    }
    while (!stop_.requested()) {
      if (producer_.ingest_within(slice, topic, message)) return true;
    }
    return false;
  }

  /// Until every subscriber has everything; once a signal came, for a bounded time.
  int finish() {
    Time deadline = never;
    ProducerStats stats;
    for (;;) {
      const bool drained = producer_.drain(slice);
      stats = producer_.stats();
      if (drained || stats.outstanding == 0) break;
      if (stop_.requested() && deadline == never) deadline = Clock::now() + drain_after_signal;
      if (Clock::now() >= deadline) break;
    }
    if (options_.stats) say_accounts(options_.name, stats);
    const std::uint64_t unread = stop_.requested() ? lines_.left() + in_hand_ : 0;
    if (unread > 0) say("stopped; " + counted(unread, "line") + " of the input had been read and not published");
    if (stats.outstanding > 0) say("stopped; " + counted(stats.outstanding, "event") + " nobody took");
    if (stats.dropped > 0) say(counted(stats.dropped, "event") + " did not reach everybody who selected them");
    return unread + stats.outstanding + stats.dropped > 0 ? exit_lost : exit_ok;
  }

  const PubOptions& options_;
  Stop stop_;
  Node node_;
  Producer<> producer_;
  LineReader lines_{STDIN_FILENO, stop_};
  std::uint64_t in_hand_ = 0;  // read, and not published
};

}  // namespace

int run_pub(const PubOptions& options) { return Pub(options).run(); }

}  // namespace galena::cli
