// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include <limits>
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

/// Accepts numbers from `least` to `most`. Says what is accepted if a number is not.
inline CLI::Validator in_range(double least, double most = std::numeric_limits<double>::max()) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        const auto digits = [](double number) {
          std::string all = std::to_string(number);  // "1.500000"
          all.erase(all.find_last_not_of('0') + 1);
          if (all.back() == '.') all.pop_back();
          return all;
        };
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value)) return "'" + text + "' is not a number";
        if (value >= least && value <= most) return {};
        const bool bounded = most < std::numeric_limits<double>::max();
        return text +
               (bounded ? " is not from " + digits(least) + " to " + digits(most) : " is less than " + digits(least));
      },
      "");
}

}  // namespace galena::common
