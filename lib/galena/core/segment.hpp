// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "galena/base/assert.hpp"

namespace galena::core {

/// A block of memory that never moves. Its log writes into it; whoever sends a part of it without a copy holds it until
/// that part has left. Counting is all that another thread ever does to it.
class Segment {
 public:
  /// One that lies in somebody else's memory, which `keeper` keeps: a received frame. Its log does not write behind
  /// what is there.
  static Segment* adopt(char* data, std::uint32_t size, std::shared_ptr<void> keeper) {
    return new Segment(data, size, std::move(keeper));
  }

  char* data() { return data_; }
  std::uint32_t capacity() const { return capacity_; }

  void hold() { holds_.fetch_add(1, std::memory_order_relaxed); }
  /// Any thread. The last one out frees it.
  void release();
  /// Nobody but its log holds it.
  bool unshared() const { return holds_.load(std::memory_order_acquire) == 1; }

  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

 private:
  friend class SegmentPool;
  explicit Segment(std::uint32_t capacity) : data_(reinterpret_cast<char*>(this + 1)), capacity_(capacity) {}
  Segment(char* data, std::uint32_t size, std::shared_ptr<void> keeper)
      : data_(data), capacity_(size), keeper_(std::move(keeper)) {}
  ~Segment() = default;
  static Segment* create(std::uint32_t capacity);

  char* data_;
  std::atomic<std::uint32_t> holds_{1};
  std::uint32_t capacity_;
  std::shared_ptr<void> keeper_;
};

/// Makes segments, knows what they take, and uses them again. `charged()` counts every byte from the moment a segment
/// is made until its log is done with it *and* nobody else holds it: what is sent and not yet released counts too.
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
  void take(const Segment& adopted) { charge(adopted.capacity()); }
  /// The log is done with `segment`.
  void give_back(Segment* segment);
  /// Looks which of the segments given back have been released by everybody else since; true if any was.
  bool reclaim();

  std::uint64_t charged() const { return charged_; }
  std::uint64_t limit() const { return limit_; }
  std::uint32_t largest() const { return largest_; }
  /// Segments given back that somebody else (libzmq) still holds.
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
