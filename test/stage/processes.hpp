// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "child.hpp"
#include "galena/id.hpp"

namespace galena::test {

/// Stages of one domain in processes of their own.
struct Processes {
  std::string domain = "test-" + Id::random().hex();
  std::vector<std::string> common = {};

  std::vector<std::string> command(const std::string& role, const std::string& name,
                                   const std::vector<std::string>& arguments = {}) const {
    std::vector<std::string> command{built("stage/stage_peer"), domain, role, name};
    command.insert(command.end(), common.begin(), common.end());
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
  }
};

}  // namespace galena::test
