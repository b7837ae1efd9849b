// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "galena/export.hpp"

namespace galena {

/// What a payload is. It travels with every event.
enum class Encoding : std::uint8_t {
  raw,      ///< bytes, meaning whatever the two ends agree on
  msgpack,  ///< one MessagePack value
};

using ByteSpan = std::span<const std::byte>;

/// How values of a type travel as messages. What converts to std::string_view or to ByteSpan needs no Codec: it travels
/// as the bytes that it is. <galena/msgpack.hpp> has one for every type that MessagePack for C++ converts. For another
/// type specialise it with
///
///   static constexpr Encoding encoding = ...;
///   static std::string_view encode(const T& value, std::string& scratch);
///   static std::optional<T> decode(std::string_view payload);
///
/// encode() returns the payload: bytes of the value, or the first bytes of `scratch`, which it may let grow and should
/// not let shrink, because the same string is used for the next value. decode() returns nothing if the payload is not
/// of this type; it may return views into the payload.
template <class T>
struct Codec;

namespace detail {

template <class M>
concept TextLike = std::is_convertible_v<const M&, std::string_view>;
template <class M>
concept BytesLike = !TextLike<M> && std::is_convertible_v<const M&, ByteSpan>;

/// Types that a raw payload becomes as it is.
template <class M>
concept RawMessage = std::is_same_v<M, std::string_view> || std::is_same_v<M, std::string> ||
    std::is_same_v<M, ByteSpan> || std::is_same_v<M, std::vector<std::byte>>;

template <class M>
concept Encodable = TextLike<M> || BytesLike<M> || requires(const M& message, std::string& scratch) {
  { Codec<M>::encode(message, scratch) } -> std::same_as<std::string_view>;
};
template <class M>
concept Decodable = RawMessage<M> ||(!TextLike<M> && !BytesLike<M> && requires(std::string_view payload) {
  { Codec<M>::decode(payload) } -> std::same_as<std::optional<M>>;
});

/// What the payload is as an M: for views, into the payload. Empty if it is not one.
template <class M>
std::optional<M> decode(std::string_view payload, Encoding encoding) {
  static_assert(RawMessage<M> || !(TextLike<M> || BytesLike<M>),
                "text arrives as std::string_view or std::string, and bytes as galena::ByteSpan or "
                "std::vector<std::byte>: take one of these");
  static_assert(Decodable<M> || TextLike<M> || BytesLike<M>,
                "a message of this type has no galena::Codec: include <galena/msgpack.hpp>, and write "
                "MSGPACK_DEFINE(its members) in the struct");
  if constexpr (RawMessage<M>) {
    if (encoding != Encoding::raw) return std::nullopt;
    if constexpr (TextLike<M>) {
      return M(payload);
    } else {
      const auto* first = reinterpret_cast<const std::byte*>(payload.data());
      return M(first, first + payload.size());
    }
  } else if constexpr (Decodable<M>) {
    if (encoding != Codec<M>::encoding) return std::nullopt;
    return Codec<M>::decode(payload);
  }
}

}  // namespace detail
}  // namespace galena
