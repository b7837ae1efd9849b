// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "cli/command_line.hpp"
#include "cli/common.hpp"
#include "cli/exit_code.hpp"
#include "io/stdio.hpp"

namespace {

int run(int argc, char** argv) {
  using namespace galena::cli;
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

}  // namespace

int main(int argc, char** argv) {
  using namespace galena::cli;
  open_missing_descriptors();
  // A reader that has gone is an error of write(), not the end.
  std::signal(SIGPIPE, SIG_IGN);
  const int code = run(argc, argv);
  if (flush_printed() || errno == EPIPE) return code;
  say(std::string("cannot write to standard output: ") + std::strerror(errno));
  return code == exit_ok ? static_cast<int>(exit_error) : code;
}
