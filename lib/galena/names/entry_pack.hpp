// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "galena/base/pack.hpp"
#include "galena/names/entry.hpp"

namespace galena::names {

/// How an entry travels: a map of named fields, in which a token of zero is left out. Read from anybody: the caller
/// checks lengths.
void write(PackWriter& out, const Entry& entry);
void write(PackWriter& out, const std::vector<std::string>& texts);
std::optional<Entry> read_entry(PackReader& in);

/// Whole milliseconds, rounded down; what is longer than any reader takes is the longest that it does.
std::uint64_t to_wire(Duration duration);

/// False if the next item is of another type or out of range.
bool read(PackReader& in, std::uint64_t& out);
bool read(PackReader& in, std::uint32_t& out);
bool read(PackReader& in, std::string& out);
bool read(PackReader& in, Id& out);
bool read(PackReader& in, bool& out);
bool read(PackReader& in, Duration& out);
bool read(PackReader& in, std::vector<std::string>& out);

}  // namespace galena::names
