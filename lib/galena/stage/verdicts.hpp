// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "galena/verdict.hpp"

namespace galena::detail {

/// What became of numbered events: accepted, unless it was recorded otherwise. Bounded: of those that were not accepted
/// the last max_runs runs of equal answers are kept apart; all that lies before these is unknown.
class Verdicts {
 public:
  static constexpr std::size_t max_runs = 100'000;

  /// Of the events `first` to `last`, none of which was recorded before. REQUIRES: `verdict` is neither pending nor
  /// accepted.
  void record(std::uint64_t first, std::uint64_t last, Verdict verdict, std::string reason);
  /// Of an event that is answered.
  RemoteAnswer of(std::uint64_t number) const;
  bool is_recorded(std::uint64_t number) const { return find(number) != runs_.end(); }

 private:
  struct Run {
    std::uint64_t last;
    Verdict verdict;
    std::string reason;
  };
  using Runs = std::map<std::uint64_t, Run>;  // by the first number

  Runs::const_iterator find(std::uint64_t number) const;

  Runs runs_;
  std::uint64_t forgotten_upto_ = 0;
};

}  // namespace galena::detail
