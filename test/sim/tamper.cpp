// SPDX-License-Identifier: Apache-2.0
#include "tamper.hpp"

#include <variant>

#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"

namespace galena::sim {
namespace {

/// The frame's first batch of at least two events, without the first of them.
std::string without_an_event(const std::string& frame) {
  std::string_view rest = frame;
  while (!rest.empty()) {
    const std::size_t begin = frame.size() - rest.size();
    auto header = core::read_batch_header(rest);
    if (!header) return frame;
    const std::size_t events = frame.size() - rest.size();
    if (header->count > 1 && !header->origin) {
      core::EventReader reader(rest.substr(0, header->bytes));
      EventView event;
      reader.next(event);
      const std::size_t left = reader.rest().size();
      const std::size_t gone = header->bytes - left;
      header->bytes = static_cast<std::uint32_t>(left);
      --header->count;
      std::string head(core::header_bytes(*header), '\0');
      core::write_batch_header(head.data(), *header);
      return frame.substr(0, begin) + head + frame.substr(events + gone);
    }
    rest.remove_prefix(header->bytes);
  }
  return frame;
}

}  // namespace

std::optional<std::string> Tamper::up(std::string message, Random& random) const {
  auto decoded = core::decode(message);
  if (!decoded) return message;
  if (auto* wish = std::get_if<core::Subscribe>(&*decoded)) {
    if (fault_ == Fault::wide_window) ++wish->credit.events;
    if (fault_ == Fault::wrong_selection) wish->selection = {};
    if (wish->resume && fault_ == Fault::resume_late) ++wish->resume->events;
    if (wish->resume && fault_ == Fault::resume_early) {
      core::Place& at = *wish->resume;
      if (at.events > 0) {
        --at.events;
      } else if (at.from > 0) {
        --at.from;
      }
    }
    return core::encode(*wish);
  }
  if (auto* grant = std::get_if<core::Grant>(&*decoded)) {
    if (fault_ == Fault::wide_window) ++grant->limit.events;
    return core::encode(*grant);
  }
  (void)random;
  return message;
}

std::string Tamper::down(std::string frame, Random& random) const {
  if (core::starts_with_batch(frame)) {
    return fault_ == Fault::cursor_skips && random.percent(10) ? without_an_event(frame) : frame;
  }
  if (fault_ != Fault::gap_miscounted) return frame;
  auto decoded = core::decode(frame);
  auto* gap = decoded ? std::get_if<Gap>(&*decoded) : nullptr;
  if (gap == nullptr || !gap->count || *gap->count >= gap->upto - gap->from) return frame;
  ++*gap->count;
  return core::encode(*gap);
}

}  // namespace galena::sim
