// SPDX-License-Identifier: Apache-2.0
#include "commands/sub.hpp"

#include <algorithm>

#include <unistd.h>

#include "accounts/losses.hpp"
#include "accounts/searching.hpp"
#include "cli/exit_code.hpp"
#include "cli/topics.hpp"
#include "io/event_text.hpp"
#include "io/output.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

class Sub {
 public:
  explicit Sub(const SubOptions& options)
      : options_(options), subscriptions_(subscriptions_of(options)), searching_(subscriptions_) {
    options_.style.terminal = options.style.format != EventFormat::raw && ::isatty(STDOUT_FILENO) == 1;
    if (!options.identity.empty()) positions_ = std::make_shared<WrittenFirst>(*this, options.positions);
  }

  int run() {
    const Time deadline = options_.timeout ? Clock::now() + *options_.timeout : never;
    {
      Node node(node_options(options_.common));
      const Stop::Action stopping(stop_, [&node] { node.stop(); });
      const Consumer consumer(node, Printer{*this},
                              {.name = process_name("sub"),
                               .subscriptions = subscriptions_,
                               .identity = options_.identity,
                               .positions = positions_,
                               .on_state = [this](const Source& from, State state) { note_state(from, state); },
                               .on_gap = [this](const Source&, const Gap& gap) { losses_.add(gap); },
                               .on_idle = [this] { flush(); }});
      wait(node, deadline);
    }
    output_.flush();
    losses_.add_lost(searching_.lost());
    return result();
  }

 private:
  struct Printer {
    Sub& sub;
    void handle_consume(const EventView& event) { sub.print(event); }
  };

  /// Writes the output before it saves a position, so that no event of an identity is acknowledged unwritten.
  class WrittenFirst final : public PositionStore {
   public:
    WrittenFirst(Sub& sub, const std::string& path) : sub_(sub) {
      if (!path.empty()) file_.emplace(path);
    }
    std::optional<std::string> load(const std::string& subscription) override {
      return file_ ? file_->load(subscription) : std::nullopt;
    }
    void save(const std::string& subscription, const std::string& position) override {
      sub_.flush();
      if (sub_.output_.closed() || !sub_.output_.error().empty())
        throw Error(ErrorCode::system, "nobody reads standard output");
      if (file_) file_->save(subscription, position);
    }

    void check() {
      if (file_) file_->check();
    }

   private:
    Sub& sub_;
    std::optional<FilePositions> file_;
  };

  static std::vector<Subscription> subscriptions_of(const SubOptions& options) {
    std::vector<From> from;
    for (const std::string& name : options.producers) from.push_back({name, options.topics});
    std::vector<Subscription> subscriptions = subscriptions_to(from);
    for (Subscription& subscription : subscriptions) {
      subscription.patience = options.patience;
      subscription.largest_event = options.largest_event;
    }
    return subscriptions;
  }

  void wait(Node& node, Time deadline) {
    const Time hint_at = Clock::now() + Searching::patience;
    if (stop_.wait_until(std::min(deadline, hint_at), STDOUT_FILENO)) return;
    if (Clock::now() >= hint_at) searching_.say_missing(node);
    stop_.wait_until(deadline, STDOUT_FILENO);
  }

  // Thread: the stage's.
  void print(const EventView& event) {
    // The next consumer gets the event.
    if (options_.count == printed_ || output_.closed() || !output_.error().empty()) throw Enough();
    append_event(output_.buffer(), event, options_.style);
    ++printed_;
    if (event.repeated) ++repeated_;
    if (!output_.appended() || options_.count == printed_) stop_.request();
  }

  void note_state(const Source& from, State state) {
    searching_.record(from, state);
    if (searching_.superseded()) stop_.request();
  }

  void flush() {
    if (!output_.flush()) stop_.request();
  }

  int result() const {
    if (options_.stats) {
      const std::string repeated = options_.identity.empty() ? "" : ", possibly repeated " + std::to_string(repeated_);
      say("received " + std::to_string(printed_) + ", lost " + losses_.text() + repeated);
    }
    if (positions_) positions_->check();
    if (!output_.error().empty()) {
      say(output_.error());
      return exit_error;
    }
    if (searching_.superseded()) return exit_error;
    if (losses_.any()) say(losses_.text() + " lost");
    if (options_.count && printed_ < *options_.count && !output_.closed()) {
      const bool by_signal = stop_.cause() == Stop::Cause::signal;
      say((by_signal ? "stopped by a signal after " : "--timeout is over after ") + std::to_string(printed_) + " of " +
          counted(*options_.count, "event"));
      return by_signal ? exit_error : exit_timeout;
    }
    return losses_.any() ? exit_lost : exit_ok;
  }

  SubOptions options_;
  const std::vector<Subscription> subscriptions_;
  Searching searching_;
  Stop stop_;
  Output output_ = Output::standard(stop_);
  Losses losses_;
  std::uint64_t printed_ = 0;
  std::uint64_t repeated_ = 0;
  std::shared_ptr<WrittenFirst> positions_;
};

}  // namespace

int run_sub(const SubOptions& options) { return Sub(options).run(); }

}  // namespace galena::cli
