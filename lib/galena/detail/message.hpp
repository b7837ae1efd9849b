// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <msgpack.hpp>

#include "galena/detail/object_reader.hpp"
#include "galena/event_view.hpp"
#include "galena/export.hpp"

/// How a C++ value travels. What converts to std::string_view or std::span<const std::byte> is raw bytes; everything
/// else is one MessagePack value (MSGPACK_DEFINE structs, numbers, vectors, maps, ...).
namespace galena {

using ByteSpan = std::span<const std::byte>;

namespace detail {

template <class M>
concept TextLike = std::is_convertible_v<const M&, std::string_view>;
template <class M>
concept BytesLike = !TextLike<M> && std::is_convertible_v<const M&, ByteSpan>;

/// What msgpack::pack() writes to: the front of a string that only ever grows, so that the few bytes of each field are
/// moved and nothing is called.
class ScratchStream {
 public:
  explicit ScratchStream(std::string& memory) : memory_(memory), at_(memory.data()), end_(at_ + memory.size()) {}

  [[gnu::always_inline]] void write(const char* bytes, std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) [[unlikely]] {
      grow(size);
    }
    if (size > 0) std::memcpy(at_, bytes, size);
    at_ += size;
  }
  std::string_view written() const { return {memory_.data(), used()}; }

 private:
  std::size_t used() const { return static_cast<std::size_t>(at_ - memory_.data()); }
  void grow(std::size_t size) {
    const std::size_t before = used();
    memory_.resize(std::max<std::size_t>(256, 2 * (before + size)));
    at_ = memory_.data() + before;
    end_ = memory_.data() + memory_.size();
  }

  std::string& memory_;
  char* at_;
  char* end_;
};

/// The payload of a message: views into it, or, for MessagePack, into `scratch`, whose size says nothing.
template <class M>
EventView encode_message(std::string_view topic, const M& message, std::string& scratch) {
  if constexpr (TextLike<M>) {
    return {topic, message, Encoding::raw};
  } else if constexpr (BytesLike<M>) {
    const ByteSpan bytes = message;
    return {topic, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Encoding::raw};
  } else {
    ScratchStream stream(scratch);
    msgpack::pack(stream, message);
    return {topic, stream.written(), Encoding::msgpack};
  }
}

/// (topic, message) as an event: views into the message, or into memory that the thread keeps until it is called again.
template <class M>
EventView view_of(std::string_view topic, const M& message) {
  static thread_local std::string scratch;
  return encode_message(topic, message, scratch);
}

/// Types that a raw payload becomes as it is.
template <class M>
inline constexpr bool is_raw_message = std::is_same_v<M, std::string_view> || std::is_same_v<M, std::string> ||
                                       std::is_same_v<M, ByteSpan> || std::is_same_v<M, std::vector<std::byte>>;

/// What the payload is as an M: for views, into the event. Empty if it is not one.
template <class M>
std::optional<M> decode_message(const EventView& event) {
  if constexpr (is_raw_message<M>) {
    if (event.encoding != Encoding::raw) return std::nullopt;
    if constexpr (std::is_same_v<M, std::string_view> || std::is_same_v<M, std::string>) {
      return M(event.payload);
    } else {
      const auto* first = reinterpret_cast<const std::byte*>(event.payload.data());
      return M(first, first + event.payload.size());
    }
  } else {
    if (event.encoding != Encoding::msgpack) return std::nullopt;
    const msgpack::object* const value = read_object(event.payload);
    if (value == nullptr) return std::nullopt;
    try {
      return value->as<M>();
    } catch (const msgpack::type_error&) {
      return std::nullopt;
    }
  }
}

}  // namespace detail

/// An event that owns its bytes: what a handle_produce returns.
class Event {
 public:
  template <class M>
  Event(std::string topic, M&& message) : topic_(std::move(topic)) {
    using Plain = std::remove_cvref_t<M>;
    if constexpr (std::is_same_v<Plain, std::string>) {
      payload_ = std::forward<M>(message);
    } else if constexpr (detail::TextLike<Plain> || detail::BytesLike<Plain>) {
      payload_ = detail::encode_message({}, message, payload_).payload;
    } else {
      encoding_ = Encoding::msgpack;
      payload_.resize(detail::encode_message({}, message, payload_).payload.size());
    }
  }
  explicit Event(const EventView& view) : topic_(view.topic), payload_(view.payload), encoding_(view.encoding) {}

  EventView view() const { return {topic_, payload_, encoding_}; }

 private:
  std::string topic_;
  std::string payload_;
  Encoding encoding_ = Encoding::raw;
};

}  // namespace galena
