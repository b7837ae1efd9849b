// SPDX-License-Identifier: Apache-2.0
#include "commands/ingest.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "cli/exit_code.hpp"
#include "io/lines.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

// An event may have a quarter of it.
constexpr std::uint64_t queue_bytes = 64 << 20;

class Ingest {
 public:
  explicit Ingest(const IngestOptions& options) : options_(options), node_(for_node(options)) {}

  int run() {
    if (!is_there()) {
      say("no producer is registered as '" + options_.name + "' in domain '" + domain_of(options_.common) +
          "' (`galena ls` lists the names)");
      return exit_not_found;
    }
    RemoteProducer producer(node_, global(options_.name),
                            {.timeout = options_.timeout, .queue_bytes = queue_bytes, .drain = Duration::zero()});
    const Stop::Action stopping(stop_, [&] {
      producer.close();
      node_.stop();
    });
    const bool all_sent = options_.message ? send(producer, *options_.message) : send_lines(producer);
    const bool answered = wait_for_answers(producer);
    return result(producer.counts(), all_sent && answered);
  }

 private:
  static NodeOptions for_node(const IngestOptions& options) {
    NodeOptions result = node_options(options.common);
    result.host_names = false;  // a name service that starts now knows nobody
    return result;
  }

  bool is_there() {
    const std::vector<NameEntry> entries = node_.list();
    return std::any_of(entries.begin(), entries.end(), [&](const NameEntry& e) { return e.name == options_.name; });
  }

  /// False if a stop was requested or the time is over first.
  bool send(RemoteProducer<>& producer, std::string_view message) {
    try {
      last_ = producer.ingest(options_.topic, message);
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::invalid) {
        say((options_.message ? "" : "line " + std::to_string(lines_.number()) + ": ") + error.what());
        ++too_large_;
        return true;
      }
      if (error.code() == ErrorCode::timeout || error.code() == ErrorCode::unreachable) {
        late_ = error.what();
      } else if (error.code() != ErrorCode::stopped) {
        throw;
      }
      return false;
    }
  }

  /// False if the time was over; also ends if the input cannot be read, which is an error of its own.
  bool send_lines(RemoteProducer<>& producer) {
    try {
      while (const auto line = lines_.next()) {
        if (line->too_long) {
          say("line " + std::to_string(lines_.number()) + " is longer than " +
              std::to_string(LineReader::max_line_bytes >> 20) + " MiB");
          ++too_large_;
        } else if (!send(producer, line->bytes)) {
          ++unsent_;
          return false;
        }
      }
    } catch (const Error& error) {
      say(error.what());
      broken_input_ = true;
    }
    return true;
  }

  /// False if the time was over.
  bool wait_for_answers(RemoteProducer<>& producer) {
    if (last_ == 0) return true;
    if (!stop_.requested() && producer.answer(last_).verdict != Verdict::pending) return true;
    stop_.settle();
    if (stop_.requested()) return producer.answer(last_, drain_after_signal).verdict != Verdict::pending;
    late_ = "'" + options_.name + "' did not take everything in time";
    return false;
  }

  int result(const RemoteProducer<>::Counts& counts, bool in_time) const {
    const std::uint64_t open = counts.pending;
    const std::uint64_t unsent = unsent_ + lines_.left();
    const std::string whom = "'" + options_.name + "'";
    make_logger(options_.common).info(whom + " accepted " + counted(counts.accepted, "event"));
    if (counts.refused > 0) {
      say(whom + " refused " + std::to_string(counts.refused) + " of " + counted(counts.taken, "event") + ": " +
          counts.last_refusal);
    }
    if (counts.unknown > 0) {
      say("the connection to " + whom + " broke: nobody knows whether it accepted the last " +
          counted(counts.unknown, "event"));
    }
    if (open > 0) say(whom + " has not answered for " + counted(open, "event"));
    if (unsent > 0) say(counted(unsent, "line") + " of the input had been read and not sent");
    if (!in_time && !stop_.requested()) say(late_);
    if (counts.refused > 0 || broken_input_) return exit_error;
    if (counts.unknown + too_large_ > 0) return exit_lost;
    if (stop_.requested()) return open + unsent > 0 ? exit_lost : exit_ok;
    return in_time ? exit_ok : exit_timeout;
  }

  const IngestOptions& options_;
  Stop stop_;
  Node node_;
  LineReader lines_{STDIN_FILENO, stop_};
  RemoteProducer<>::Ticket last_ = 0;
  std::uint64_t unsent_ = 0;
  std::uint64_t too_large_ = 0;
  bool broken_input_ = false;
  std::string late_ = {};  // why the time was not enough
};

}  // namespace

int run_ingest(const IngestOptions& options) { return Ingest(options).run(); }

}  // namespace galena::cli
