// SPDX-License-Identifier: Apache-2.0
#include "commands/bench.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "cli/common.hpp"
#include "cli/exit_code.hpp"

namespace galena::cli {

int run_bench(const std::vector<std::string>& arguments) {
  std::string path = std::filesystem::read_symlink("/proc/self/exe").replace_filename("galena-bench").string();
  std::vector<std::string> words = arguments;
  std::vector<char*> argv = {path.data()};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  say("`galena bench` starts " + path + ", and that failed: " + std::strerror(errno) +
      ". galena-bench is built with Galena (meson option `bench`) and is not installed: start it where it was built, "
      "or copy it to that directory");
  return exit_error;
}

}  // namespace galena::cli
