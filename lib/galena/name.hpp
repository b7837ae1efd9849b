// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "galena/export.hpp"
#include "galena/id.hpp"

namespace galena {

/// What a stage is called: by a global name in every program of its domain, by a local one within its Node.
struct Name {
  std::string text;
  bool is_global = false;

  Name() = default;
  /// A local name. Empty: none.
  Name(const char* local) : text(local) {}             // NOLINT(google-explicit-constructor)
  Name(std::string local) : text(std::move(local)) {}  // NOLINT(google-explicit-constructor)

  bool empty() const { return text.empty(); }
  friend bool operator==(const Name&, const Name&) = default;
};

/// A name that every program of the same domain can find: up to 255 bytes.
inline Name global(std::string name) {
  Name result(std::move(name));
  result.is_global = true;
  return result;
}

/// Whom a subscription is for: a name, whether somebody has it yet or not, or a stage of this program by its variable.
struct Source {
  Name name;
  Id stage;  ///< set: this very stage, of the same Node

  Source(Name by_name) : name(std::move(by_name)) {}  // NOLINT(google-explicit-constructor)
  Source(const char* local) : name(local) {}          // NOLINT(google-explicit-constructor)
  template <class S>
  requires requires(const S& variable) {
    { variable.stage_id() } -> std::convertible_to<Id>;
  }
  // NOLINTNEXTLINE(google-explicit-constructor)
  Source(const S& variable) : name(variable.name()), stage(variable.stage_id()) {}

  /// For people: the name, or the first digits of the stage's id.
  std::string text() const { return name.empty() ? "stage " + stage.brief() : name.text; }
};

}  // namespace galena
