// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "galena/gap.hpp"

namespace galena::core {

/// Two gaps whose events are different ones, told as one gap. Only one of the reasons is kept.
Gap merged(Gap gap, const Gap& other);

/// Gaps that were told over a link that may have ended before they arrived: they are told again over the next link,
/// unless they are found again on the way. So no event is in two of them.
class UnheardGaps {
 public:
  /// So many are kept apart; beyond that, the first two are told as one.
  static constexpr std::size_t max_gaps = 16;

  /// The gap was told after `deliveries` of the link.
  void record(const Gap& gap, std::uint64_t deliveries);
  /// Those that were told before delivery number `acknowledged` are heard.
  void handle_acknowledged(std::uint64_t acknowledged);
  /// What is dropped from `position` on is found and told again.
  void handle_return_to(std::uint64_t position);
  /// All of them, in the order in which they were told. They are forgotten here.
  std::vector<Gap> take();

 private:
  struct Told {
    Gap gap;
    std::uint64_t deliveries = 0;
  };
  std::vector<Told> told_;
};

/// Counts the events of gaps by range: a gap that is told again counts nothing, and one that has grown counts what is
/// new of it.
class GapCounter {
 public:
  /// So many ranges are kept apart; beyond that, the first two become one, and what lies between them counts as told.
  static constexpr std::size_t max_ranges = 64;

  void add(const Gap& gap);
  std::uint64_t total() const { return total_; }

 private:
  struct Range {
    std::uint64_t from = 0;
    std::uint64_t upto = 0;
    std::uint64_t count = 0;  // events of known number
  };
  std::vector<Range> ranges_;  // ordered, and apart from each other
  std::uint64_t total_ = 0;
};

}  // namespace galena::core
