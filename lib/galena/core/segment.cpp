// SPDX-License-Identifier: Apache-2.0
#include "galena/core/segment.hpp"

#include <algorithm>
#include <new>

namespace galena::core {
namespace {

constexpr std::uint32_t smallest = 1024;
constexpr std::size_t max_spare = 16;

}  // namespace

Segment* Segment::create(std::uint32_t capacity) {
  void* memory = ::operator new(sizeof(Segment) + capacity);
  return new (memory) Segment(capacity);
}

void Segment::release() {
  if (pins_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    this->~Segment();
    ::operator delete(this);
  }
}

SegmentPool::~SegmentPool() {
  for (Segment* segment : pinned_) segment->release();
  for (Segment* segment : spare_) segment->release();
}

std::uint32_t SegmentPool::next_capacity(std::uint32_t previous, std::size_t needed) const {
  std::uint64_t capacity = previous == 0 ? smallest : std::uint64_t{previous} * 4;
  while (capacity < needed && capacity < largest_) capacity *= 4;
  capacity = std::min<std::uint64_t>(capacity, largest_);
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(capacity, needed));
}

Segment* SegmentPool::take(std::uint32_t capacity) {
  charge(capacity);
  if (capacity == largest_ && !spare_.empty()) {
    Segment* segment = spare_.back();
    spare_.pop_back();
    return segment;
  }
  return Segment::create(capacity);
}

void SegmentPool::give_back(Segment* segment) {
  if (segment->unshared()) {
    retire(segment);
  } else {
    pinned_.push_back(segment);
  }
}

bool SegmentPool::reclaim() {
  const auto released = std::erase_if(pinned_, [this](Segment* segment) {
    if (!segment->unshared()) return false;
    retire(segment);
    return true;
  });
  return released > 0;
}

void SegmentPool::retire(Segment* segment) {
  charged_ -= segment->footprint();
  if (segment->capacity() == largest_ && segment->keeper_ == nullptr && spare_.size() < max_spare) {
    spare_.push_back(segment);
  } else {
    segment->release();
  }
}

}  // namespace galena::core
