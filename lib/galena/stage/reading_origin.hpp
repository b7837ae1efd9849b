// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "galena/event_view.hpp"
#include "galena/stage/event_taker.hpp"

namespace galena::detail {

/// Where the event that is being read comes from.
class ReadingOrigin final : public EventOrigin {
 public:
  explicit ReadingOrigin(const EventTaker::Reading& reading) : inlet_(reading.inlet), from_(reading.from) {}

  std::string_view producer() const override {
    if (producer_.empty()) producer_ = from_.text();
    return producer_;
  }
  Id stream() const override { return inlet_.place().stream; }
  std::optional<std::uint64_t> position() const override { return inlet_.position(); }

 private:
  const core::Inlet& inlet_;
  const Source& from_;
  mutable std::string producer_;  // once somebody has asked
};

}  // namespace galena::detail
