// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "galena/core/outlet.hpp"
#include "galena/options.hpp"
#include "galena/stage/receiver.hpp"

namespace galena::detail {

bool acknowledges_downstream(const ProducerConsumerOptions& options);
/// What its subscriptions are known by to its producers. Empty: none.
std::string identity_of(const ProducerConsumerOptions& options);

/// Throws Error (invalid) for options that contradict each other.
void check(const ProducerConsumerOptions& options);

core::Outlet::Options outlet_options(const ProducerConsumerOptions& options, const Id& stage, Duration liveness);
/// For each subscription, in order. Several to one producer are told apart by their identity and their key.
std::vector<Receiver::Options> receiver_options(const ProducerConsumerOptions& options, const Id& stage,
                                                const std::string& label);

}  // namespace galena::detail
