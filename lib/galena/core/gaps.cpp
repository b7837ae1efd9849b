// SPDX-License-Identifier: Apache-2.0
#include "galena/core/gaps.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace galena::core {
Gap merged(Gap gap, const Gap& other) {
  gap.from = std::min(gap.from, other.from);
  gap.upto = std::max(gap.upto, other.upto);
  gap.count = gap.count && other.count ? std::optional(*gap.count + *other.count) : std::nullopt;
  return gap;
}

void UnheardGaps::record(const Gap& gap, std::uint64_t deliveries) {
  told_.push_back({gap, deliveries});
  if (told_.size() <= max_gaps) return;
  told_[1].gap = merged(told_[0].gap, told_[1].gap);
  told_.erase(told_.begin());
}

void UnheardGaps::handle_acknowledged(std::uint64_t acknowledged) {
  std::erase_if(told_, [&](const Told& told) { return acknowledged > told.deliveries; });
}

void UnheardGaps::handle_return_to(std::uint64_t position) {
  std::erase_if(told_, [&](const Told& told) { return told.gap.from >= position; });
  for (Told& told : told_) {
    if (told.gap.upto <= position) continue;
    told.gap.upto = position;
    told.gap.count.reset();
  }
}

std::vector<Gap> UnheardGaps::take() {
  std::vector<Gap> gaps;
  for (Told& told : told_) gaps.push_back(std::move(told.gap));
  told_.clear();
  return gaps;
}

void GapCounter::add(const Gap& gap) {
  if (gap.from >= gap.upto) return;
  Range all{gap.from, gap.upto, 0};
  std::uint64_t covered = 0;       // positions of the gap that were told before
  std::uint64_t known_within = 0;  // events that were counted for these
  for (const Range& range : ranges_) {
    if (range.upto < gap.from || gap.upto < range.from) continue;
    const std::uint64_t shared = std::min(range.upto, gap.upto) - std::max(range.from, gap.from);
    covered += shared;
    known_within += std::min(range.count, shared);
    all = {std::min(all.from, range.from), std::max(all.upto, range.upto), all.count + range.count};
  }
  const std::uint64_t count = gap.count.value_or(0);
  const std::uint64_t fresh = std::min(count - std::min(count, known_within), gap.upto - gap.from - covered);
  total_ += fresh;
  all.count += fresh;
  std::erase_if(ranges_, [&](const Range& range) { return all.from <= range.from && range.upto <= all.upto; });
  const auto behind =
      std::find_if(ranges_.begin(), ranges_.end(), [&](const Range& range) { return range.from > all.from; });
  ranges_.insert(behind, all);
  if (ranges_.size() <= max_ranges) return;
  ranges_[0] = {ranges_[0].from, ranges_[1].upto, ranges_[0].count + ranges_[1].count};
  ranges_.erase(ranges_.begin() + 1);
}

}  // namespace galena::core
