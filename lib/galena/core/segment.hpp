// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "galena/base/assert.hpp"

namespace galena::core {

/// A block of memory that never moves. Its log writes into it. A sender that passes on a part of it without a copy pins
/// it until that part has left. Thread: other threads only ever count its pins.
class Segment {
 public:
  /// A segment that lies in memory of another owner, which `keeper` keeps alive: a received frame, of `footprint` bytes
  /// in all (at least `size`). Its log does not write behind what is there.
  static Segment* adopt(char* data, std::uint32_t size, std::shared_ptr<void> keeper, std::uint32_t footprint = 0) {
    return new Segment(data, size, std::move(keeper), footprint);
  }

  char* data() { return data_; }
  std::uint32_t capacity() const { return capacity_; }
  /// The memory that stays in use while the segment does: more than its capacity if it is a part of a frame.
  std::uint32_t footprint() const { return footprint_; }

  void pin() { pins_.fetch_add(1, std::memory_order_relaxed); }
  /// Takes a pin back; the last one frees the segment. Thread: any.
  void release();
  /// Only its log has it pinned.
  bool unshared() const { return pins_.load(std::memory_order_acquire) == 1; }

  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

 private:
  friend class SegmentPool;
  explicit Segment(std::uint32_t capacity)
      : data_(reinterpret_cast<char*>(this + 1)), capacity_(capacity), footprint_(capacity) {}
  Segment(char* data, std::uint32_t size, std::shared_ptr<void> keeper, std::uint32_t footprint)
      : data_(data), capacity_(size), footprint_(std::max(size, footprint)), keeper_(std::move(keeper)) {}
  ~Segment() = default;
  static Segment* create(std::uint32_t capacity);

  char* data_;
  std::atomic<std::uint32_t> pins_{1};
  std::uint32_t capacity_;
  std::uint32_t footprint_;
  std::shared_ptr<void> keeper_;
};

/// Makes segments, counts the memory that they take, and uses them again. `charged()` counts every byte from the moment
/// a segment is made until its log is done with it *and* no sender has it pinned any more.
///
/// Invariant: charged() <= limit(), asserted whenever it grows.
class SegmentPool {
 public:
  explicit SegmentPool(std::uint32_t largest, std::uint64_t limit = std::numeric_limits<std::uint64_t>::max())
      : largest_(largest), limit_(limit) {}
  ~SegmentPool();
  SegmentPool(const SegmentPool&) = delete;
  SegmentPool& operator=(const SegmentPool&) = delete;

  /// The capacity that take() would choose for `needed` bytes after a segment of `previous` bytes (0: the first):
  /// 1 KiB, growing fourfold to the largest; whatever is needed if that is more.
  std::uint32_t next_capacity(std::uint32_t previous, std::size_t needed) const;
  /// Requires: charged() + capacity <= limit().
  Segment* take(std::uint32_t capacity);
  /// Counts a segment that was adopted. Requires: the same.
  void take(const Segment& adopted) { charge(adopted.footprint()); }
  /// The log is done with `segment`.
  void give_back(Segment* segment);
  /// Looks for segments that were given back while pinned, and are not pinned any more; true if there were any.
  bool reclaim();

  std::uint64_t charged() const { return charged_; }
  std::uint64_t limit() const { return limit_; }
  std::uint32_t largest() const { return largest_; }
  /// A sender (libzmq) still pins a segment that was given back.
  bool awaiting_release() const { return !pinned_.empty(); }

 private:
  void retire(Segment* segment);
  void charge(std::uint32_t capacity) {
    charged_ += capacity;
    GALENA_ASSERT(charged_ <= limit_, "more memory is in use than allowed");
  }

  std::uint32_t largest_;
  std::uint64_t limit_;
  std::uint64_t charged_ = 0;
  std::vector<Segment*> pinned_;
  std::vector<Segment*> spare_;  // of the largest size, at most max_spare, not charged
};

}  // namespace galena::core
