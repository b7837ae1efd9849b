// SPDX-License-Identifier: Apache-2.0
// Datagrams of the beacon: what is decoded and encoded again decodes as the same, and keeps the limits.
#include "galena/names/announcement.hpp"

#include <cstdint>

#include "claim.hpp"
#include "galena/names/service_address.hpp"
#include "target.hpp"

namespace galena::fuzz {

void run(std::string_view bytes) {
  const auto announcement = names::decode_announcement(bytes);
  if (!announcement) return;
  claim(announcement->term < names::highest_credible_term, "a term can be believed");
  claim(announcement->asks() || announcement->port > 0, "a service that says where it is has a port");
  claim(names::decode_announcement(names::encode(*announcement)) == announcement,
        "what was decoded is decoded again as the same");
}

}  // namespace galena::fuzz
