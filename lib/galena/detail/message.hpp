// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "galena/event_view.hpp"
#include "galena/export.hpp"

namespace galena::detail {

/// The event of a message: its payload is a view into the message, or into `scratch`, whose size says nothing.
template <class M>
EventView encode_message(std::string_view topic, const M& message, std::string& scratch) {
  static_assert(Encodable<M>,
                "a message of this type has no galena::Codec: include <galena/msgpack.hpp>, and write "
                "MSGPACK_DEFINE(its members) in the struct");
  if constexpr (TextLike<M>) {
    return {topic, message, Encoding::raw};
  } else if constexpr (BytesLike<M>) {
    const ByteSpan bytes = message;
    return {topic, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Encoding::raw};
  } else if constexpr (Encodable<M>) {
    return {topic, Codec<M>::encode(message, scratch), Codec<M>::encoding};
  } else {
    return {};
  }
}

/// (topic, message) as an event: views into the message, or into memory that the thread keeps until it is called again.
template <class M>
EventView view_of(std::string_view topic, const M& message) {
  static thread_local std::string scratch;
  return encode_message(topic, message, scratch);
}

}  // namespace galena::detail
