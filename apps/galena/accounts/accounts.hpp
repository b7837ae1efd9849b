// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/common.hpp"
#include "io/json.hpp"

namespace galena::cli {

/// A subscription's account in a line for people: how many events it selected, and what became of them.
std::string account_text(const LinkInfo& link);

/// Says the account of each subscription of the producer called `name`, and how many events of which topic were
/// dropped.
void say_accounts(const std::string& name, const ProducerStats& stats);

/// Says how many events of the producer called `name` no subscriber took, and how many were dropped. Returns true if
/// there are any.
bool say_untaken(const std::string& name, const ProducerStats& stats);

/// For whom the producer called `name` waits, and with how many events: those who have the most to take first.
std::string waiting_text(const std::string& name, const ProducerStats& stats);

Json json_of_stats(const ProducerStats& stats);

/// Appends a table, its columns aligned. The cells may come from others: they are made printable.
/// Requires: all rows have as many cells as the first.
void append_rows(std::string& out, const std::vector<std::vector<std::string>>& rows);
/// The table of accounts: its header, and a row for each subscription of a producer.
std::vector<std::string> account_header();
void append_account_rows(std::vector<std::vector<std::string>>& rows, const std::string& name,
                         const ProducerStats& stats);

}  // namespace galena::cli
