// SPDX-License-Identifier: Apache-2.0
#include "galena/core/repetition.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace galena::core {
namespace {

constexpr auto all = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void Repetition::handle_accept(const Accept& accept, const std::optional<Standing>& previous, bool remembers) {
  const bool same_stream = previous && previous->place.stream == accept.place.stream;
  other_stream_ = previous && !same_stream;
  stands_as_before_ = previous && previous->place == accept.place;
  if (same_stream) told_ = told_before_ = previous->told;
  if (!remembers) {
    repeated_ = accept.repeated;
  } else if (same_stream) {
    repeated_ = previous->repeated;
  }
}

/// Let P be the place below which Seen has everything of this stream, and [from, upto) the positions of the batch.
///
///   P                          the batch          its events
///   unknown, or before `from`  any                not known
///   at `from`, behind n events any                the first n are handled
///   between `from` and `upto`  as the stream cuts not known: P came from a mark, and the batch was made after it
///   between `from` and `upto`  recut              all are doubtful: other boundaries, so the numbers do not compare
///   at `upto` or behind        any                all are handled
///
/// Events that are not handled are doubtful if the batch is flagged as repeated, or if they lie below repeated().
void Repetition::begin_batch(const BatchHeader& header, const Id& stream) {
  handled_below_ = doubtful_below_ = 0;
  if (const Place* const seen = seen_ == nullptr ? nullptr : seen_->place(stream)) {
    if (seen->from == header.from) {
      handled_below_ = seen->events;
    } else if (seen->from >= header.upto) {
      handled_below_ = all;
    } else if (seen->from > header.from && (header.flags & flag_recut) != 0) {
      doubtful_below_ = all;
    }
  }
  if ((header.flags & flag_repeated) != 0) doubtful_below_ = all;
  if (repeated_ && header.from < repeated_->from) doubtful_below_ = all;
  if (repeated_ && header.from == repeated_->from) doubtful_below_ = std::max(doubtful_below_, repeated_->events);
  next_origin_ = header.origin;
  must_judge_ = handled_below_ > 0 || doubtful_below_ > 0 || next_origin_;
}

void Repetition::end_batch() {
  must_judge_ = false;
  next_origin_ = origin_ = {};
}

Repetition::Verdict Repetition::judge(std::uint64_t number, std::uint32_t step) {
  if (next_origin_) {
    origin_ = std::exchange(next_origin_, {});
  } else if (origin_) {
    origin_.advance(step);
  }
  if (number < handled_below_) return Verdict::handled;
  if (origin_ && seen_ != nullptr && seen_->contains(origin_)) return Verdict::handled;
  return number < doubtful_below_ ? Verdict::doubtful : Verdict::fresh;
}

/// Let T be the position below which every gap was told over the links before.
///
///   the gap         told
///   ends at or below T  nothing
///   begins at or above T  all of it
///   lies across T   what lies above T; its events only if it is the very gap that was told last, and has grown
///
/// The events of a gap are not counted if some may have been handled already: by who had the identity before, or in the
/// stream that had the producer's name before.
std::optional<Gap> Repetition::news_of(const Gap& gap, bool events_came) {
  const std::uint64_t told_upto = told_before_.upto;
  std::optional<Gap> news;
  if (gap.upto > told_upto) {
    news = gap;
    if ((other_stream_ && !events_came) || (repeated_ && gap.from < repeated_->from)) news->count.reset();
    if (gap.from < told_upto) {
      const bool same = stands_as_before_ && told_before_.from == gap.from && gap.count && told_before_.count;
      const std::uint64_t grown = same && *gap.count > *told_before_.count ? *gap.count - *told_before_.count : 0;
      news->count = grown > 0 && grown <= gap.upto - told_upto ? std::optional(grown) : std::nullopt;
      news->from = told_upto;
    }
    told_.from = gap.from;
    told_.count = gap.count;
  }
  told_.upto = std::max(told_.upto, gap.upto);
  return news;
}

}  // namespace galena::core
