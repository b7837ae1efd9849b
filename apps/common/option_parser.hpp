// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

namespace galena::common {

/// What an option takes.
struct OptionRules {
  std::string type = {};  ///< what --help calls the value
  bool required = false;
  bool hidden = false;               ///< from --help
  bool commas = false;               ///< separate several values of a list
  bool takes_rest = false;           ///< of the command line, as values of a list
  std::optional<double> least = {};  ///< of a number, as is `most`
  double most = std::numeric_limits<double>::max();
  std::vector<std::string> one_of = {};
  std::string excludes = {};  ///< an option that was added before
};

/// The command line of a program that has no commands. Each option belongs to a variable of the caller, which keeps its
/// value if the option is not given. Exists so that CLI11, which is slow to compile, is compiled once for all of them.
class OptionParser {
 public:
  /// A list takes one value each time that its option is given.
  using Variable = std::variant<bool*, std::uint64_t*, double*, std::string*, std::vector<std::string>*,
                                std::vector<std::uint64_t>*, std::optional<std::uint64_t>*>;

  OptionParser(const std::string& program, const std::string& about, const std::string& examples);
  ~OptionParser();
  OptionParser(const OptionParser&) = delete;
  OptionParser& operator=(const OptionParser&) = delete;

  /// Requires: `variable` lives until parse() has returned. `name` is "--like-this", or "THIS" for a value without a
  /// name.
  void add(const std::string& name, Variable variable, const std::string& help, const OptionRules& rules = {});

  /// Sets the variables. Returns the exit code if the program is to end now: 0 after it has printed the help, 2 after
  /// it has said on standard error what is wrong with the command line.
  [[nodiscard]] std::optional<int> parse(int argc, char** argv);
  /// Says on standard error what is wrong and where the help is. Returns 2.
  int refuse(const std::string& what) const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace galena::common
