// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

#include <galena/galena.hpp>

namespace galena::cli {

/// How the program ends. docs/cli.md has the same table.
enum ExitCode : int {
  exit_ok = 0,
  exit_error = 1,
  exit_usage = 2,
  exit_not_found = 3,  ///< a name is not registered, or no name service answers
  exit_timeout = 4,
  exit_lost = 5,  ///< events were lost on the way, or no subscriber took them
};

inline ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return exit_usage;
    case ErrorCode::unreachable:
      return exit_not_found;
    case ErrorCode::timeout:
      return exit_timeout;
    case ErrorCode::unknown:
      return exit_lost;
    case ErrorCode::name_taken:
    case ErrorCode::refused:
    case ErrorCode::superseded:
    case ErrorCode::stopped:
    case ErrorCode::system:
    case ErrorCode::handler:
      break;
  }
  return exit_error;
}

/// The command line has a mistake; the text says what to write instead.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace galena::cli
