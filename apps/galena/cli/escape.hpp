// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Bytes as one field of a line: tab, newline and backslash are written \t, \n and \\, all else stays as it is.
namespace galena::cli {

void append_escaped(std::string& out, std::string_view bytes);
std::string escaped(std::string_view bytes);

/// What somebody typed. Besides the three, a backslash takes the meaning from `* , : =`. Throws UsageError for any
/// other use of a backslash.
std::string unescaped(std::string_view text);

/// The parts between separators that no backslash stands before; each is still to be unescaped.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The same at the first separator alone: one part or two.
std::vector<std::string_view> split_once(std::string_view text, char separator);

/// Whether the last byte is `last`, and no backslash takes its meaning.
bool ends_in(std::string_view text, char last);

}  // namespace galena::cli
