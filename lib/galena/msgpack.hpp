// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Include this to send and receive values: numbers, containers, and structs with MSGPACK_DEFINE(members...), as
/// MessagePack for C++ (https://github.com/msgpack/msgpack-c/tree/cpp_master) converts them. It is used without Boost,
/// unless <msgpack.hpp> was included before.
#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <msgpack.hpp>

#include "galena/codec.hpp"
#include "galena/detail/object_reader.hpp"
#include "galena/export.hpp"

namespace galena {

/// Set it to true for a class that has adaptors for MessagePack (msgpack::adaptor::pack and convert) instead of
/// MSGPACK_DEFINE: `template <> inline constexpr bool galena::has_msgpack_adaptor<Uuid> = true;`
template <class T>
inline constexpr bool has_msgpack_adaptor = false;

namespace detail {

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

template <class T>
concept HasMsgpackMembers = requires(const T& value, msgpack::packer<ScratchStream>& packer) {
  value.msgpack_pack(packer);
}
|| requires(T& value, const msgpack::object& object) { value.msgpack_unpack(object); };

template <class T>
inline constexpr bool is_template = false;
template <template <class...> class Template, class... Arguments>
inline constexpr bool is_template<Template<Arguments...>> = true;

template <class T>
constexpr bool msgpack_converts();
template <class T>
inline constexpr bool elements_convert = true;
template <class... T>
inline constexpr bool elements_convert<std::tuple<T...>> = (msgpack_converts<T>() && ...);

/// Whether MessagePack for C++ converts the type, as far as that can be told: the standard's and its own types, what
/// has MSGPACK_DEFINE, what is said to have an adaptor, and containers of these.
template <class T>
constexpr bool msgpack_converts() {
  if constexpr (std::is_scalar_v<T> || has_msgpack_adaptor<T> || HasMsgpackMembers<T>) {
    return true;
  } else if constexpr (std::is_array_v<T>) {
    return msgpack_converts<std::remove_cv_t<std::remove_all_extents_t<T>>>();
  } else if constexpr (requires { typename T::first_type; }) {
    return msgpack_converts<std::remove_cv_t<typename T::first_type>>() && msgpack_converts<typename T::second_type>();
  } else if constexpr (requires { typename T::value_type; }) {
    return msgpack_converts<typename T::value_type>();
  } else if constexpr (requires { typename T::element_type; }) {
    return msgpack_converts<std::remove_cv_t<typename T::element_type>>();
  } else {
    return (is_template<T> && elements_convert<T>) || std::is_same_v<T, msgpack::object> ||
           std::is_same_v<T, msgpack::type::nil_t> || std::is_same_v<T, msgpack::type::ext> ||
           std::is_same_v<T, msgpack::type::ext_ref> || std::is_same_v<T, msgpack::type::raw_ref> ||
           std::is_same_v<T, std::timespec>;
  }
}

}  // namespace detail

template <class T>
requires(detail::msgpack_converts<T>()) struct Codec<T> {
  static constexpr Encoding encoding = Encoding::msgpack;

  static std::string_view encode(const T& value, std::string& scratch) {
    detail::ScratchStream stream(scratch);
    msgpack::pack(stream, value);
    return stream.written();
  }

  static std::optional<T> decode(std::string_view payload) {
    constexpr bool can_be_made = std::is_default_constructible_v<T> || msgpack::has_as<T>::value;
    static_assert(can_be_made,
                  "a message of this type cannot be unpacked, because it has no default constructor: give it one");
    if constexpr (can_be_made) {
      const msgpack::object* const value = detail::read_object(payload);
      if (value == nullptr) return std::nullopt;
      try {
        return value->as<T>();
      } catch (const msgpack::type_error&) {
        return std::nullopt;
      }
    }
  }
};

}  // namespace galena
