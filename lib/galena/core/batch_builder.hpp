// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "galena/core/batch.hpp"
#include "galena/core/provenance.hpp"

namespace galena::core {

/// Puts a batch together, in memory of its own, from events of others.
class BatchBuilder {
 public:
  /// `skipped` events that are selected of the same positions come in front of it.
  explicit BatchBuilder(std::uint64_t skipped)
      : skipped_(static_cast<std::uint32_t>(std::min<std::uint64_t>(skipped, 0xffffffff))) {}

  /// add() can say where an event of this provenance comes from.
  bool admits(const Provenance& next) const { return count_ == 0 || run_.admits(next); }
  /// Requires: admits() it.
  void add(const EventView& event, const Provenance& from) {
    if (count_++ == 0) begin(from);
    const std::size_t size = batch_.size();
    batch_.resize(size + event_bytes(event) + max_step_bytes);
    char* const end = run_.write_step_to(write_event(batch_.data() + size, event), from.origin);
    batch_.resize(static_cast<std::size_t>(end - batch_.data()));
  }
  /// Adds `count` events of one batch as they are encoded there, the first of which has this provenance.
  /// Requires: nothing has been added, and nothing will be.
  void copy(std::string_view events, std::uint32_t count, const Provenance& first) {
    begin(first);
    batch_.append(events);
    count_ = count;
  }

  std::uint32_t count() const { return count_; }
  /// Bytes of the events.
  std::size_t bytes() const { return batch_.size() - header_size_; }

  /// The batch, which speaks of [from, upto). Requires: it has an event.
  std::string finish(std::uint64_t from, std::uint64_t upto, std::uint16_t flags) {
    BatchHeader header{static_cast<std::uint32_t>(bytes()), count_, from, upto, flags, run_.first().origin, skipped_};
    if (run_.first().repeated) header.flags |= flag_repeated;
    write_batch_header(batch_.data(), header);
    return std::move(batch_);
  }

 private:
  void begin(const Provenance& first) {
    run_ = ProvenanceRun(first);
    header_size_ = header_bytes({.origin = first.origin, .first = skipped_});
    batch_.assign(header_size_, '\0');
  }

  std::uint32_t skipped_;
  std::uint32_t count_ = 0;
  std::uint32_t header_size_ = 0;
  ProvenanceRun run_;
  std::string batch_;
};

}  // namespace galena::core
