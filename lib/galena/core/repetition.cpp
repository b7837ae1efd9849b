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
///   unknown                    any                not known
///   before `from`              as the stream cuts not known: what P had of the batch before is over
///   before `from`, behind n    recut              the first n are doubtful: something between was told as a gap
///   at `from`, behind n events any                the first n are handled
///   between `from` and `upto`  as the stream cuts not known: P came from a mark, and the batch was made after it
///   between `from` and `upto`  recut              all are doubtful: other boundaries, so the numbers do not compare.
///   So
///                                                 are the first n behind this batch, if P is behind n events
///   at `upto` or behind        any                all are handled
///
/// Events that are not handled are doubtful if the batch is flagged as repeated, or if they lie below repeated().
void Repetition::begin_batch(const BatchHeader& header, const Id& stream) {
  batch_ = header;
  stream_ = stream;
  const bool recut = (header.flags & flag_recut) != 0;
  handled_below_ = doubtful_below_ = 0;
  if (const Place* const seen = seen_ == nullptr ? nullptr : seen_->place(stream)) {
    if (seen->from < header.from) {
      if (recut && seen->events > 0) {
        doubtful_left_ = seen->events;
        seen_->record(Place{stream, header.from, 0});
      }
    } else if (seen->from == header.from) {
      handled_below_ = seen->events;
    } else if (seen->from >= header.upto) {
      handled_below_ = all;
    } else if (recut) {
      doubtful_below_ = all;
      doubtful_left_ = std::max(doubtful_left_, header.count + seen->events);
    } else {
      // From here on P counts the events of this batch, or a link that breaks within it would leave what the mark said.
      seen_->go_back(Place{stream, header.from, 0});
    }
  }
  if (doubtful_left_ > 0) doubtful_below_ = std::max(doubtful_below_, header.first + doubtful_left_);
  if ((header.flags & flag_repeated) != 0) doubtful_below_ = all;
  if (repeated_ && header.from < repeated_->from) doubtful_below_ = all;
  if (repeated_ && header.from == repeated_->from) doubtful_below_ = std::max(doubtful_below_, repeated_->events);
  next_origin_ = header.origin;
  must_judge_ = handled_below_ > 0 || doubtful_below_ > 0 || next_origin_;
}

/// A batch that was recut may end within what was handled: the rest of that is at the beginning of the next batch.
void Repetition::end_batch(std::uint64_t numbers) {
  doubtful_left_ -= std::min<std::uint64_t>(doubtful_left_, batch_.count);
  const bool ends = (batch_.flags & flag_more) == 0;
  if (ends && handled_below_ > 0 && handled_below_ != all) {
    seen_->record(Place{stream_, batch_.upto, handled_below_ - std::min(handled_below_, numbers)});
  }
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
