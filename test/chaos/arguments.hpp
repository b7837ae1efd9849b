// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "galena/time.hpp"

namespace chaos {

/// What a chaos peer was started with: ROLE NAME KEY=VALUE...
struct Arguments {
  std::string role;
  std::string name;
  std::map<std::string, std::string> values;

  Arguments(int argc, char** argv) : role(argv[1]), name(argv[2]) {
    for (int i = 3; i < argc; ++i) {
      const std::string word = argv[i];
      const auto equals = word.find('=');
      values[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
  }

  std::string text(const std::string& key, const std::string& otherwise = {}) const {
    const auto it = values.find(key);
    return it == values.end() ? otherwise : it->second;
  }
  std::uint64_t number(const std::string& key, std::uint64_t otherwise) const {
    const auto it = values.find(key);
    return it == values.end() ? otherwise : std::stoull(it->second);
  }
  galena::Duration milliseconds(const std::string& key, std::uint64_t otherwise) const {
    return std::chrono::milliseconds(number(key, otherwise));
  }
  /// What stands between commas.
  std::vector<std::string> list(const std::string& key) const {
    std::vector<std::string> words;
    std::istringstream rest(text(key));
    for (std::string word; std::getline(rest, word, ',');) words.push_back(word);
    return words;
  }
};

}  // namespace chaos
