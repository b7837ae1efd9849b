// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/verdicts.hpp"

#include <iterator>
#include <utility>

namespace galena::detail {

void Verdicts::record(std::uint64_t first, std::uint64_t last, Verdict verdict, std::string reason) {
  const auto next = runs_.upper_bound(first);
  if (next != runs_.begin()) {
    Run& before = std::prev(next)->second;
    if (before.last + 1 == first && before.verdict == verdict && before.reason == reason) {
      before.last = last;
      return;
    }
  }
  runs_.emplace_hint(next, first, Run{last, verdict, std::move(reason)});
  if (runs_.size() <= max_runs) return;
  forgotten_upto_ = runs_.begin()->second.last;
  runs_.erase(runs_.begin());
}

Verdicts::Runs::const_iterator Verdicts::find(std::uint64_t number) const {
  const auto next = runs_.upper_bound(number);
  if (next == runs_.begin()) return runs_.end();
  const auto run = std::prev(next);
  return number <= run->second.last ? run : runs_.end();
}

RemoteAnswer Verdicts::of(std::uint64_t number) const {
  if (const auto run = find(number); run != runs_.end()) return {run->second.verdict, run->second.reason};
  if (number <= forgotten_upto_) return {Verdict::unknown, "it was answered too long ago: nobody asked for the answer"};
  return {Verdict::accepted, {}};
}

}  // namespace galena::detail
