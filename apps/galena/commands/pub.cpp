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

// For consumers that were waiting for the name to subscribe: they may have died.
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

  /// Returns false if a line has no topic or could not be read, after it has said so. The lines before are published.
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

  /// Returns false if a stop was requested while the buffer was full.
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

  /// Waits until every subscriber has all events, after a signal for a bounded time. Returns the exit code.
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
    const bool untaken = say_untaken(options_.name, stats);
    return untaken || unread > 0 ? exit_lost : exit_ok;
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
