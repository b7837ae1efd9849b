// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <exception>

#include "cli/command_line.hpp"
#include "cli/common.hpp"
#include "cli/exit_code.hpp"

int main(int argc, char** argv) {
  using namespace galena::cli;
  // A reader that has gone is an error of write(), not the end.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return parse_command_line(argc, argv)();
  } catch (const UsageError& error) {
    say(error.what());
    return exit_usage;
  } catch (const galena::Error& error) {
    say(error.what());
    return exit_code_of(error.code());
  } catch (const std::exception& error) {
    say(error.what());
    return exit_error;
  }
}
