// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/object_reader.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

namespace galena::detail {
namespace {

using msgpack::object;

/// Room for the objects of most values. It needs no construction, so that a thread finds it without asking.
struct Room {
  alignas(object) std::byte bytes[64 * sizeof(object)];
};
thread_local Room room;

/// For those that need more.
thread_local bool zone_used = false;
msgpack::zone& zone() {
  thread_local msgpack::zone zone;
  return zone;
}

class ObjectReader {
 public:
  explicit ObjectReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), free_(room.bytes), free_end_(free_ + sizeof room.bytes) {}

  bool at_end() const { return at_ == end_; }

  /// For so many of them, until the next value is read.
  template <class T>
  T* memory(std::uint64_t count) {
    if (count == 0) return nullptr;
    const std::size_t bytes = count * sizeof(T);
    if (bytes > static_cast<std::size_t>(free_end_ - free_)) {
      zone_used = true;
      return static_cast<T*>(zone().allocate_align(bytes, alignof(T)));
    }
    return reinterpret_cast<T*>(std::exchange(free_, free_ + bytes));
  }

  /// False if what follows is not a whole value.
  bool read(object& to, int depth) {
    if (at_ == end_) return false;
    const auto code = static_cast<std::uint8_t>(*at_++);
    if (code < 0x80) return put_uint(to, code);
    if (code < 0x90) return map(to, code & 0x0fU, depth);
    if (code < 0xa0) return array(to, code & 0x0fU, depth);
    if (code < 0xc0) return str(to, code & 0x1fU);
    if (code >= 0xe0) return put_int(to, static_cast<std::int8_t>(code));
    switch (code) {
      case 0xc0:
        to.type = msgpack::type::NIL;
        return true;
      case 0xc2:
      case 0xc3:
        to.type = msgpack::type::BOOLEAN;
        to.via.boolean = code == 0xc3;
        return true;
      case 0xc4:
        return number<std::uint8_t>() && bin(to, number_);
      case 0xc5:
        return number<std::uint16_t>() && bin(to, number_);
      case 0xc6:
        return number<std::uint32_t>() && bin(to, number_);
      case 0xc7:
        return number<std::uint8_t>() && ext(to, number_);
      case 0xc8:
        return number<std::uint16_t>() && ext(to, number_);
      case 0xc9:
        return number<std::uint32_t>() && ext(to, number_);
      case 0xca:
        if (!number<std::uint32_t>()) return false;
        to.type = msgpack::type::FLOAT32;
        to.via.f64 = std::bit_cast<float>(static_cast<std::uint32_t>(number_));
        return true;
      case 0xcb:
        if (!number<std::uint64_t>()) return false;
        to.type = msgpack::type::FLOAT64;
        to.via.f64 = std::bit_cast<double>(number_);
        return true;
      case 0xcc:
        return number<std::uint8_t>() && put_uint(to, number_);
      case 0xcd:
        return number<std::uint16_t>() && put_uint(to, number_);
      case 0xce:
        return number<std::uint32_t>() && put_uint(to, number_);
      case 0xcf:
        return number<std::uint64_t>() && put_uint(to, number_);
      case 0xd0:
        return number<std::uint8_t>() && put_int(to, static_cast<std::int8_t>(number_));
      case 0xd1:
        return number<std::uint16_t>() && put_int(to, static_cast<std::int16_t>(number_));
      case 0xd2:
        return number<std::uint32_t>() && put_int(to, static_cast<std::int32_t>(number_));
      case 0xd3:
        return number<std::uint64_t>() && put_int(to, static_cast<std::int64_t>(number_));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return ext(to, 1U << (code - 0xd4U));
      case 0xd9:
        return number<std::uint8_t>() && str(to, number_);
      case 0xda:
        return number<std::uint16_t>() && str(to, number_);
      case 0xdb:
        return number<std::uint32_t>() && str(to, number_);
      case 0xdc:
        return number<std::uint16_t>() && array(to, number_, depth);
      case 0xdd:
        return number<std::uint32_t>() && array(to, number_, depth);
      case 0xde:
        return number<std::uint16_t>() && map(to, number_, depth);
      case 0xdf:
        return number<std::uint32_t>() && map(to, number_, depth);
      default:
        return false;
    }
  }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  /// Reads what `Unsigned` has of bytes, most significant first, into number_.
  template <class Unsigned>
  bool number() {
    if (left() < sizeof(Unsigned)) return false;
    Unsigned value;
    std::memcpy(&value, at_, sizeof value);
    number_ = std::endian::native == std::endian::little ? swapped(value) : value;
    at_ += sizeof(Unsigned);
    return true;
  }

  static std::uint64_t swapped(std::uint8_t value) { return value; }
  static std::uint64_t swapped(std::uint16_t value) { return __builtin_bswap16(value); }
  static std::uint64_t swapped(std::uint32_t value) { return __builtin_bswap32(value); }
  static std::uint64_t swapped(std::uint64_t value) { return __builtin_bswap64(value); }

  static bool put_uint(object& to, std::uint64_t value) {
    to.type = msgpack::type::POSITIVE_INTEGER;
    to.via.u64 = value;
    return true;
  }
  static bool put_int(object& to, std::int64_t value) {
    if (value >= 0) return put_uint(to, static_cast<std::uint64_t>(value));
    to.type = msgpack::type::NEGATIVE_INTEGER;
    to.via.i64 = value;
    return true;
  }

  bool str(object& to, std::uint64_t size) {
    if (left() < size) return false;
    to.type = msgpack::type::STR;
    to.via.str.size = static_cast<std::uint32_t>(size);
    to.via.str.ptr = at_;
    at_ += size;
    return true;
  }
  bool bin(object& to, std::uint64_t size) {
    if (left() < size) return false;
    to.type = msgpack::type::BIN;
    to.via.bin.size = static_cast<std::uint32_t>(size);
    to.via.bin.ptr = at_;
    at_ += size;
    return true;
  }
  /// Its type comes first, and does not count.
  bool ext(object& to, std::uint64_t size) {
    if (left() < size + 1) return false;
    to.type = msgpack::type::EXT;
    to.via.ext.size = static_cast<std::uint32_t>(size);
    to.via.ext.ptr = at_;
    at_ += size + 1;
    return true;
  }

  // Every item that was announced takes a byte at least, so that the memory is bounded by what was sent.

  bool announce(std::uint64_t items, int depth) {
    if (depth == 0 || left() < owed_ + items) return false;
    owed_ += items;
    return true;
  }
  bool read_item(object& to, int depth) {
    --owed_;
    return read(to, depth);
  }

  bool array(object& to, std::uint64_t size, int depth) {
    if (!announce(size, depth)) return false;
    to.type = msgpack::type::ARRAY;
    to.via.array.size = static_cast<std::uint32_t>(size);
    to.via.array.ptr = memory<object>(size);
    for (std::uint64_t i = 0; i < size; ++i) {
      if (!read_item(to.via.array.ptr[i], depth - 1)) return false;
    }
    return true;
  }
  bool map(object& to, std::uint64_t size, int depth) {
    if (!announce(2 * size, depth)) return false;
    to.type = msgpack::type::MAP;
    to.via.map.size = static_cast<std::uint32_t>(size);
    to.via.map.ptr = memory<msgpack::object_kv>(size);
    for (std::uint64_t i = 0; i < size; ++i) {
      msgpack::object_kv& item = to.via.map.ptr[i];
      if (!read_item(item.key, depth - 1) || !read_item(item.val, depth - 1)) return false;
    }
    return true;
  }

  const char* at_;
  const char* end_;
  std::byte* free_;
  std::byte* free_end_;
  std::uint64_t owed_ = 0;  // items that were announced, and are still to be read
  std::uint64_t number_ = 0;
};

}  // namespace

const object* read_object(std::string_view bytes) {
  if (std::exchange(zone_used, false)) zone().clear();
  ObjectReader reader(bytes);
  object* const value = reader.memory<object>(1);
  return reader.read(*value, max_msgpack_depth) && reader.at_end() ? value : nullptr;
}

}  // namespace galena::detail
