// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <galena/galena.hpp>

namespace galena::cli {

/// `OLD=NEW` gives a topic another name; `a/*=b/*` another start to all that start so.
struct RenameRule {
  Topic from;
  std::string to;
};
/// Throws UsageError.
RenameRule parse_rename(std::string_view text);

/// The first rule that fits a topic renames it; the others stay as they are.
class Renamer {
 public:
  explicit Renamer(std::vector<RenameRule> rules) : rules_(std::move(rules)) {}

  /// Valid until the next call, and as long as `topic`.
  std::string_view operator()(std::string_view topic);

 private:
  std::vector<RenameRule> rules_;
  std::string scratch_;
};

}  // namespace galena::cli
