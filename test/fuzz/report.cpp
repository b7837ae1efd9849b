// SPDX-License-Identifier: Apache-2.0
// Accounts: what is decoded and encoded again decodes as the same, and adds up.
#include "galena/core/report.hpp"

#include <cstdint>

#include "claim.hpp"
#include "target.hpp"

namespace galena::fuzz {

void run(std::string_view bytes) {
  const auto report = core::decode_report(bytes);
  if (!report) return;
  claim(report->subscribers.size() <= core::max_reported, "a report has no more subscribers than a report may have");
  claim(report->drops.size() <= core::max_reported, "a report has no more drops than a report may have");
  for (const LinkInfo& link : report->subscribers) {
    claim(link.acknowledged <= link.sent && link.sent <= link.selected, "what is acknowledged was sent and selected");
    claim(link.sent + link.dropped <= link.selected, "what is sent or dropped was selected");
  }
  const std::string written = core::encode(*report);
  const auto again = core::decode_report(written);
  claim(again.has_value(), "what was decoded is decoded again");
  claim(core::encode(*again) == written, "what was decoded is decoded again as the same");
}

}  // namespace galena::fuzz
