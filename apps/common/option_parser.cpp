// SPDX-License-Identifier: Apache-2.0
#include "common/option_parser.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <type_traits>

#include "common/cli11.hpp"

namespace galena::common {

namespace {

template <class T>
CLI::Option* add_to(CLI::App& app, const std::string& name, T& variable, const std::string& help) {
  if constexpr (std::is_same_v<T, bool>) {
    return app.add_flag(name, variable, help);
  } else {
    CLI::Option* option = app.add_option(name, variable, help);
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      if (variable != T()) option->capture_default_str();
    }
    return option;
  }
}

bool is_list(const OptionParser::Variable& variable) {
  return std::holds_alternative<std::vector<std::string>*>(variable) ||
         std::holds_alternative<std::vector<std::uint64_t>*>(variable);
}

}  // namespace

OptionParser::OptionParser(const std::string& program, const std::string& about, const std::string& examples)
    : app_(std::make_unique<CLI::App>(about, program)) {
  app_->formatter(std::make_shared<ExamplesFirst>());
  app_->footer(examples);
}

OptionParser::~OptionParser() = default;

void OptionParser::add(const std::string& name, Variable variable, const std::string& help, const OptionRules& rules) {
  CLI::Option* const option = std::visit([&](auto* to) { return add_to(*app_, name, *to, help); }, variable);
  if (!std::holds_alternative<bool*>(variable)) option->type_name(rules.type);
  option->required(rules.required);
  if (rules.hidden) option->group("");
  if (rules.commas) option->delimiter(',');
  if (is_list(variable)) option->allow_extra_args(rules.takes_rest);
  if (rules.least) option->check(in_range(*rules.least, rules.most));
  if (!rules.one_of.empty()) option->check(CLI::IsMember(rules.one_of));
  if (!rules.excludes.empty()) option->excludes(app_->get_option(rules.excludes));
}

std::optional<int> OptionParser::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app_->exit(error);  // --help
    return refuse(error.what());
  }
  return std::nullopt;
}

int OptionParser::refuse(const std::string& what) const {
  std::fprintf(stderr, "%s: %s; `%s --help` shows how it is used\n", app_->get_name().c_str(), what.c_str(),
               app_->get_name().c_str());
  return 2;
}

}  // namespace galena::common
