// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <msgpack.hpp>

#include "galena/core/event.hpp"

/// How a C++ value travels. What converts to std::string_view or std::span<const std::byte> is raw bytes; everything
/// else is one MessagePack value (MSGPACK_DEFINE structs, numbers, vectors, maps, ...).
namespace galena {

using ByteSpan = std::span<const std::byte>;

namespace detail {

template <class M>
concept TextLike = std::is_convertible_v<const M&, std::string_view>;
template <class M>
concept BytesLike = !TextLike<M> && std::is_convertible_v<const M&, ByteSpan>;

/// A std::string as what msgpack::pack() writes to.
struct StringStream {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};

/// Depth and lengths that a MessagePack value from a peer may have; no length may exceed the payload that tells it.
inline constexpr std::size_t max_msgpack_depth = 32;

/// The payload of a message: views into it, or, for MessagePack, into `scratch`.
template <class M>
EventView encode_message(std::string_view topic, const M& message, std::string& scratch) {
  if constexpr (TextLike<M>) {
    return {topic, message, Encoding::raw};
  } else if constexpr (BytesLike<M>) {
    const ByteSpan bytes = message;
    return {topic, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Encoding::raw};
  } else {
    scratch.clear();
    StringStream stream{scratch};
    msgpack::pack(stream, message);
    return {topic, scratch, Encoding::msgpack};
  }
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
    try {
      const std::size_t size = event.payload.size();
      std::size_t read = 0;
      const msgpack::unpack_limit limit(size, size, size, size, size, max_msgpack_depth);
      // Strings and binaries refer to the payload instead of being copied into the zone first.
      const auto refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
      const msgpack::object_handle handle = msgpack::unpack(event.payload.data(), size, read, refer, nullptr, limit);
      if (read != size) return std::nullopt;
      return handle.get().as<M>();
    } catch (const msgpack::unpack_error&) {
      return std::nullopt;
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
      detail::encode_message({}, message, payload_);
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
