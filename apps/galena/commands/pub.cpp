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

namespace {

/// A payload that is MessagePack already.
struct Packed {
  std::string_view payload;
};

}  // namespace

template <>
struct galena::Codec<Packed> {
  static constexpr Encoding encoding = Encoding::msgpack;
  static std::string_view encode(const Packed& value, std::string&) { return value.payload; }
};

namespace galena::cli {

namespace {

// For consumers that were waiting for the name to subscribe: they may have died.
constexpr Duration patience_with_waiting = std::chrono::seconds(5);
constexpr Duration silence_before_hint = std::chrono::seconds(2);
constexpr Duration short_wait = std::chrono::milliseconds(100);

class Pub {
 public:
  explicit Pub(const PubOptions& options)
      : options_(options),
        timeout_at_(options.timeout ? Clock::now() + *options.timeout : never),
        node_(node_options(options.common)),
        producer_(node_, {.name = global(options.name),
                          .buffer_bytes = options.holding.buffer_bytes,
                          .hold = options.holding.hold,
                          .expect = options.holding.expect,
                          .retain_bytes = options.holding.retain_bytes,
                          .drain = Duration::zero(),  // done by finish(), which knows of signals
                          .on_name_lost = [this](const std::string&) { lose_name(); }}) {
    stop_.set_alarm(timeout_at_);
  }

  int run() {
    const bool started = wait_for_start();
    if (started) publish_lines();
    if (!started && stop_.cause() == Stop::Cause::alarm) {
      say("no subscriber came for '" + options_.name + "' in time; nothing was published");
      return exit_timeout;
    }
    return started ? finish() : name_lost_ ? exit_error : exit_ok;
  }

 private:
  /// A wait for subscribers begins, which `say` tells of if it takes long. Until it ends, the alarm is that of --wait,
  /// if that comes sooner than that of --timeout.
  void begin_wait(std::function<void()> say) {
    const Time now = Clock::now();
    stop_.set_hint(now + silence_before_hint, std::move(say));
    if (options_.wait) stop_.set_alarm(std::min(timeout_at_, now + *options_.wait));
  }
  void end_wait() {
    stop_.set_hint(never);
    stop_.set_alarm(timeout_at_);
  }

  bool wait_for_start() {
    if (options_.now) return true;
    std::uint32_t needed = options_.subscribers.value_or(std::max(1U, producer_.waiting()));
    begin_wait([this, needed] {
      say("waiting for " + counted(needed, "subscriber") + " of '" + options_.name + "' (--now does not wait)");
    });
    const bool some_may_have_died = !options_.subscribers && needed > 1;
    if (some_may_have_died && !producer_.wait_for_subscribers(needed, patience_with_waiting)) {
      if (!stop_.requested() && producer_.wait_for_subscribers(1, Duration::zero())) {
        say("not all of the " + counted(needed, "consumer") + " that waited for '" + options_.name +
            "' have subscribed; starting without them");
      }
      needed = 1;
    }
    (void)producer_.wait_for_subscribers(needed, Duration::max());
    end_wait();
    return !stop_.requested();
  }

  void publish_lines() {
    std::optional<Pace> pace;
    if (options_.rate) pace.emplace(*options_.rate);
    EventReader reader(options_.format, options_.topic);
    try {
      while (!options_.count || lines_.number() < *options_.count) {
        const auto line = lines_.next();
        if (!line) break;
        if (line->too_long) {
          refuse(" is longer than " + std::to_string(LineReader::max_line_bytes >> 20) + " MiB");
          continue;
        }
        const EventView event = reader.read(line->bytes);
        if ((pace && !pace->wait(stop_)) || !publish(event)) {
          ++in_hand_;
          break;
        }
      }
    } catch (const Error& error) {
      say(error.code() == ErrorCode::invalid ? of_line(std::string(" ") + error.what()) : error.what());
      broken_input_ = true;
    }
  }

  std::string of_line(const std::string& what) const { return "line " + std::to_string(lines_.number()) + what; }

  void refuse(const std::string& why) {
    say(of_line(why + "; it is not published"));
    ++refused_;
  }

  /// Returns false if a stop was requested while the buffer was full.
  bool publish(const EventView& event) {
    try {
      if (offer(Duration::zero(), event)) return true;
      // A wait that is short, as most are, needs neither hint nor alarm.
      if (offer(short_wait, event)) return true;
      begin_wait([this] { say_waits(); });
      (void)offer(Duration::max(), event);
      end_wait();
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::stopped) return false;
      refuse(std::string(": ") + error.what());
      return true;
    }
  }

  bool offer(Duration timeout, const EventView& event) {
    return event.encoding == Encoding::raw ? producer_.ingest_within(timeout, event.topic, event.payload)
                                           : producer_.ingest_within(timeout, event.topic, Packed{event.payload});
  }

  /// Names those that are waited for, once for each time that it waits.
  void say_waits() { say(waiting_text(options_.name, producer_.stats())); }

  /// Waits until every subscriber has all events, after a signal for a bounded time. Returns the exit code.
  int finish() {
    drain();
    const ProducerStats stats = producer_.stats();
    if (options_.stats) say_accounts(options_.name, stats);
    const std::uint64_t unread = stop_.requested() ? lines_.left() + in_hand_ : 0;
    if (unread > 0) say("stopped; " + counted(unread, "line") + " of the input had been read and not published");
    const bool untaken = say_untaken(options_.name, stats);
    const bool is_late = stop_.cause() == Stop::Cause::alarm;
    const bool count_is_missing = is_late && options_.count && lines_.number() < *options_.count;
    if (count_is_missing) {
      say("the time is over after " + std::to_string(lines_.number()) + " of " + counted(*options_.count, "line"));
    }
    if (broken_input_ || name_lost_) return exit_error;
    if (is_late && (untaken || unread > 0 || count_is_missing)) return exit_timeout;
    return untaken || unread > 0 || refused_ > 0 ? exit_lost : exit_ok;
  }

  void drain() {
    begin_wait([this] { say_waits(); });
    const bool drained = producer_.drain();
    end_wait();
    if (drained || producer_.stats().outstanding == 0) return;
    stop_.settle();
    const bool wait_is_over = stop_.cause() == Stop::Cause::alarm && Clock::now() < timeout_at_;
    if (stop_.requested() && !wait_is_over) (void)producer_.drain(drain_after_signal);
  }

  // Thread: the stage's. The library has said whose the name is.
  void lose_name() {
    name_lost_ = true;
    stop_.request();
  }

  const PubOptions& options_;
  const Time timeout_at_;
  Stop stop_;
  std::atomic<bool> name_lost_ = false;
  Node node_;
  Producer<> producer_;
  Stop::Action stopping_{stop_, [this] {
                           producer_.close();
                           node_.stop();
                         }};
  LineReader lines_{STDIN_FILENO, stop_, options_.delimiter};
  std::uint64_t in_hand_ = 0;  // read, and not published
  std::uint64_t refused_ = 0;  // too large
  bool broken_input_ = false;
};

}  // namespace

int run_pub(const PubOptions& options) { return Pub(options).run(); }

}  // namespace galena::cli
