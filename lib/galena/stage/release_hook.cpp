// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/release_hook.hpp"

#include "galena/net/tsan.hpp"

namespace galena::detail {
namespace {

struct Shipment {
  core::Segment* segment;
  std::shared_ptr<ReleaseHook> hook;
};

void end_loan(void*, void* hint) {
  net::tsan_acquire(hint);
  const std::unique_ptr<Shipment> shipment(static_cast<Shipment*>(hint));
  shipment->segment->release();
  shipment->hook->handle_release();
}

}  // namespace

net::Loan lend(core::Segment* segment, std::string_view bytes, std::shared_ptr<ReleaseHook> hook) {
  auto shipment = std::make_unique<Shipment>(Shipment{segment, std::move(hook)});
  return {bytes.data(), bytes.size(), end_loan, shipment.release()};
}

}  // namespace galena::detail
