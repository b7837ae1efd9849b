// SPDX-License-Identifier: Apache-2.0
#include "cli/escape.hpp"

#include <cstring>

#include "cli/exit_code.hpp"

namespace galena::cli {

namespace {

bool contains(std::string_view bytes, char byte) {
  return !bytes.empty() && std::memchr(bytes.data(), byte, bytes.size()) != nullptr;
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

void append_escaped(std::string& out, std::string_view bytes) {
  // Hardly any message has one of the three, and three searches cost less than a loop over the bytes.
  if (!contains(bytes, '\t') && !contains(bytes, '\n') && !contains(bytes, '\\')) {
    out.append(bytes);
    return;
  }
  for (const char byte : bytes) {
    if (byte == '\t') {
      out.append("\\t");
    } else if (byte == '\n') {
      out.append("\\n");
    } else if (byte == '\\') {
      out.append("\\\\");
    } else {
      out.push_back(byte);
    }
  }
}

std::string escaped(std::string_view bytes) {
  std::string out;
  append_escaped(out, bytes);
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out.push_back(text[at]);
      continue;
    }
    const char next = ++at < text.size() ? text[at] : '\0';
    if (next == 't') {
      out.push_back('\t');
    } else if (next == 'n') {
      out.push_back('\n');
    } else if (next != '\0' && std::strchr("\\*,:=", next) != nullptr) {
      out.push_back(next);
    } else {
      throw UsageError("'" + std::string(text) + "': write \\\\ for a backslash");
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
