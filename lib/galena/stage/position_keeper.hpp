// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "galena/core/inlet.hpp"
#include "galena/core/ledger.hpp"
#include "galena/core/seen.hpp"
#include "galena/logger.hpp"
#include "galena/position_store.hpp"

namespace galena::detail {

/// Where one subscription stands, over all its links: loads and saves that with a PositionStore, if there is one, and
/// keeps a relay's account of what was made of which input.
class PositionKeeper {
 public:
  struct Options {
    std::string consumer;  ///< the stage, for log lines
    std::string source;    ///< whom it subscribes to, for log lines
    std::string identity = {};
    Selection selection = {};
    std::shared_ptr<PositionStore> store = {};
    std::string key = {};                 ///< in the store
    bool acknowledge_downstream = false;  ///< what is acknowledged is what the relay's own subscribers acknowledged
  };
  /// Invariant: `off` means that there is no store.
  enum class State : std::uint8_t {
    off,        ///< the producers' books are the position
    saving,     ///< the last save() worked, or there was none yet
    failing,    ///< the last save() failed: nothing is acknowledged until one works
    discarded,  ///< the store has dropped effects: nothing is saved or acknowledged any more
  };

  /// Throws: Error (invalid) if what the store has is not a position; what the store throws.
  PositionKeeper(const Logger& logger, Options options);

  State state() const { return state_; }
  /// The number of the next attempt to subscribe. Attempts of one identity go up, over all the consumers that have it.
  std::uint64_t next_epoch() { return ++epoch_; }
  /// A consumer that holds the identity has epoch `other`. True if this one is later all the same, because nobody has
  /// accepted it before and the other's start lies in the future: the clocks differ, or this one was set back. Its next
  /// attempt has a higher epoch.
  bool outbid(std::uint64_t other);
  /// Writes into `options` where the next link begins.
  void describe(core::Inlet::Options& options);
  /// The link's inlet was accepted.
  void begin_link(const core::Inlet& inlet);
  /// False: nothing may be acknowledged.
  [[nodiscard]] bool save(const core::Inlet& inlet);
  /// What was handled since the last save() is void.
  void discard();
  /// Everything that was handled so far became output below `output`. Does nothing unless it acknowledges downstream.
  void record_made(std::uint64_t output, const core::Inlet& inlet);
  /// The relay's output below `output` is acknowledged. Returns how many deliveries of the link that acknowledges, if
  /// they are more than before.
  std::optional<std::uint64_t> acknowledge(std::uint64_t output);
  /// The link is over: notes where it stood, and saves that.
  void end_link(core::Inlet& inlet);

 private:
  void load();
  void enter(State state);

  const Logger& logger_;
  Options options_;
  State state_;
  bool was_accepted_ = false;
  std::uint64_t epoch_;                     // of the last attempt
  std::optional<core::Standing> standing_;  // where the last link ended
  bool exact_;                              // everything that was handled lies before that
  core::Seen seen_;
  core::Ledger ledger_;                         // with acknowledge_downstream
  std::optional<core::Standing> acknowledged_;  // and that far it is acknowledged
};

}  // namespace galena::detail
