// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "demo/demo.hpp"

/// The four processes of the demo. Each prints lines for people as it goes; asked to end, it drains, and prints what it
/// counted as lines that start with report_mark.
namespace galena::cli {

inline constexpr const char* machine_role = "machine";      ///< publishes readings
inline constexpr const char* digest_role = "digest";        ///< makes averages and alerts of them
inline constexpr const char* dashboard_role = "dashboard";  ///< selects exact topics of the machine
inline constexpr const char* watch_role = "watch";          ///< selects prefixes of the digest

inline constexpr char report_mark = '@';

/// One side of one subscription. `selected` is the producer's count, `delivered` and `lost` the consumer's.
struct SubscriptionReport {
  std::string consumer;
  std::string producer;
  long long selected = -1;  ///< negative: not known on this side
  long long delivered = -1;
  long long lost = 0;
};

std::string to_line(const SubscriptionReport& report);
/// Requires: the line starts with report_mark.
SubscriptionReport subscription_report_from(const std::string& line);

int run_demo_role(const DemoOptions& options);

}  // namespace galena::cli
