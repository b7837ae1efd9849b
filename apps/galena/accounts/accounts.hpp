// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/common.hpp"
#include "io/json.hpp"

namespace galena::cli {

/// A subscription's account in a line for people: what it selected, and what became of that.
std::string account_text(const LinkInfo& link);

/// Says the account of each subscription of the producer called `name`, and what was dropped.
void say_accounts(const std::string& name, const ProducerStats& stats);

Json json_of_stats(const ProducerStats& stats);

/// A table's rows, in columns.
void append_rows(std::string& out, const std::vector<std::vector<std::string>>& rows);
/// Its header, and the rows of a producer.
std::vector<std::string> account_header();
void append_account_rows(std::vector<std::vector<std::string>>& rows, const std::string& name,
                         const ProducerStats& stats);

}  // namespace galena::cli
