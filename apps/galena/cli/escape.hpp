// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Bytes as one field of a record: tab, the byte that ends records and backslash are written \t, \n (or \x00) and \\,
/// all else stays as it is.
namespace galena::cli {

struct Escapes {
  char record_end = '\n';
  /// For a terminal: control characters, and what is no UTF-8, are written \xHH.
  bool visible = false;
};
void append_escaped(std::string& out, std::string_view bytes, Escapes escapes = {});
std::string escaped(std::string_view bytes);
/// What append_escaped() wrote, of any Escapes. A backslash before anything else stays as it is.
void append_unescaped(std::string& out, std::string_view text);

/// Text of somebody else in a message for people: what could command a terminal is written \xHH.
std::string printable(std::string_view text);

/// What somebody typed. Besides the three and \xHH, a backslash takes the meaning from `* , : =`. Throws UsageError for
/// any other use of a backslash.
std::string unescaped(std::string_view text);

/// The parts between separators that no backslash stands before; each is still to be unescaped.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The same at the first separator alone: one part or two.
std::vector<std::string_view> split_once(std::string_view text, char separator);

/// Whether the last byte is `last`, and no backslash takes its meaning.
bool ends_in(std::string_view text, char last);

}  // namespace galena::cli
