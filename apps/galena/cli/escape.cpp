// SPDX-License-Identifier: Apache-2.0
#include "cli/escape.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "cli/exit_code.hpp"
#include "io/utf8.hpp"

namespace galena::cli {

namespace {

bool contains(std::string_view bytes, char byte) {
  return !bytes.empty() && std::memchr(bytes.data(), byte, bytes.size()) != nullptr;
}

/// How many bytes the character at the start has; 0 if it is a control character, or ill-formed.
std::size_t visible_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x20 || first == 0x7f) return 0;
  const std::size_t length = utf8_length(text);
  return first == 0xc2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xa0 ? 0 : length;
}

void append_hex(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out.append("\\x").push_back(digits[value >> 4U]);
  out.push_back(digits[value & 15U]);
}

struct Escape {
  char byte;
  std::size_t length;
};

/// One of \t, \n, \\ and \xHH at the start of the text. Empty if none is there.
std::optional<Escape> read_escape(std::string_view text) {
  const char next = text.size() > 1 ? text[1] : '\0';
  if (next == 't') return Escape{'\t', 2};
  if (next == 'n') return Escape{'\n', 2};
  if (next == '\\') return Escape{'\\', 2};
  unsigned char byte = 0;
  if (next != 'x' || text.size() < 4) return std::nullopt;
  const char* const end = text.data() + 4;
  if (std::from_chars(text.data() + 2, end, byte, 16).ptr != end) return std::nullopt;
  return Escape{static_cast<char>(byte), 4};
}

std::vector<std::string_view> split_at(std::string_view text, char separator, std::size_t most) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size() && parts.size() + 1 < most; ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == separator) {
      parts.push_back(text.substr(start, at - start));
      start = at + 1;
    }
  }
  parts.push_back(text.substr(start));
  return parts;
}

}  // namespace

void append_escaped(std::string& out, std::string_view bytes, Escapes escapes) {
  // Hardly any message has one of the three, and three searches cost less than a loop over the bytes.
  if (!escapes.visible && !contains(bytes, '\t') && !contains(bytes, escapes.record_end) && !contains(bytes, '\\')) {
    out.append(bytes);
    return;
  }
  while (!bytes.empty()) {
    const char byte = bytes.front();
    const std::size_t length = escapes.visible ? visible_length(bytes) : 1;
    if (byte == '\t') {
      out.append("\\t");
    } else if (byte == '\\') {
      out.append("\\\\");
    } else if (byte == '\n' && (escapes.visible || escapes.record_end == '\n')) {
      out.append("\\n");
    } else if (length == 0 || byte == escapes.record_end) {
      append_hex(out, byte);
    } else {
      out.append(bytes, 0, length);
      bytes.remove_prefix(length - 1);
    }
    bytes.remove_prefix(1);
  }
}

std::string escaped(std::string_view bytes) {
  std::string out;
  append_escaped(out, bytes);
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = visible_length(text);
    if (length == 0) append_hex(out, text.front());
    out.append(text, 0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

void append_unescaped(std::string& out, std::string_view text) {
  for (;;) {
    const std::size_t at = std::min(text.find('\\'), text.size());
    out.append(text, 0, at);
    text.remove_prefix(at);
    if (text.empty()) return;
    const auto read = read_escape(text);
    out.push_back(read ? read->byte : '\\');
    text.remove_prefix(read ? read->length : 1);
  }
}

std::string unescaped(std::string_view text) {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    if (rest.front() != '\\') {
      out.push_back(rest.front());
      rest.remove_prefix(1);
    } else if (const auto read = read_escape(rest)) {
      out.push_back(read->byte);
      rest.remove_prefix(read->length);
    } else if (rest.size() > 1 && contains("*,:=", rest[1])) {
      out.push_back(rest[1]);
      rest.remove_prefix(2);
    } else {
      throw UsageError("'" + std::string(text) + "': write \\\\ for a backslash, and \\x00 to \\xff for any byte");
    }
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  return split_at(text, separator, std::string_view::npos);
}

std::vector<std::string_view> split_once(std::string_view text, char separator) { return split_at(text, separator, 2); }

bool ends_in(std::string_view text, char last) {
  if (text.empty() || text.back() != last) return false;
  std::size_t backslashes = 0;
  while (backslashes + 1 < text.size() && text[text.size() - 2 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 0;
}

}  // namespace galena::cli
