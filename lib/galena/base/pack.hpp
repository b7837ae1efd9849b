// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "galena/id.hpp"

namespace galena {

/// Writes MessagePack: the few types that Galena's own messages use. (What users send is packed by msgpack-cxx.)
class PackWriter {
 public:
  PackWriter& array(std::uint32_t size);
  PackWriter& map(std::uint32_t size);
  PackWriter& uint(std::uint64_t value);
  PackWriter& str(std::string_view text);
  PackWriter& bin(std::string_view bytes);
  PackWriter& id(const Id& id) { return bin(id.view()); }
  PackWriter& boolean(bool value);
  PackWriter& nil();

  const std::string& bytes() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void head(std::uint8_t code, std::uint64_t value, int width);

  std::string out_;
};

/// Reads MessagePack from bytes that may be wrong. If the next item is cut off or of another type, a call returns empty
/// (or false) and the reader stays where it is. Never allocates; the views that it returns point into the bytes given.
class PackReader {
 public:
  /// How deep skip() follows nested values.
  static constexpr int max_depth = 16;

  explicit PackReader(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::uint32_t> array();
  std::optional<std::uint32_t> map();
  std::optional<std::uint64_t> uint();
  std::optional<std::string_view> str();
  std::optional<std::string_view> bin();
  /// A str or a bin: some peers write the one, some the other for bytes.
  std::optional<std::string_view> text();
  /// An application's own type: ext 8-32 and the fixed sizes.
  struct Ext {
    std::uint8_t type;
    std::string_view body;
  };
  std::optional<Ext> ext();
  std::optional<Id> id();
  std::optional<bool> boolean();
  bool nil();
  /// Steps over one value of any type, nested at most max_depth deep.
  bool skip() { return skip(max_depth); }

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::optional<std::uint64_t> sized(std::uint8_t code, int width);
  std::optional<std::string_view> body(std::uint64_t size, std::string_view after_head);
  bool skip(int depth);

  std::string_view rest_;
};

}  // namespace galena
