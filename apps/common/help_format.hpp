// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <utility>

namespace galena::common {

/// How --help is laid out: what the program is, the examples (which CLI11 calls the footer), the options, and then
/// `ending`.
class ExamplesFirst : public CLI::Formatter {
 public:
  explicit ExamplesFirst(std::string ending = {}) : ending_(std::move(ending)) {}

  std::string make_description(const CLI::App* app) const override {
    return app->get_description() + "\n\nExamples:\n" + app->get_footer() + "\n\n";
  }
  std::string make_footer(const CLI::App*) const override { return ending_; }

 private:
  std::string ending_;
};

}  // namespace galena::common
