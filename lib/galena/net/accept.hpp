// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "galena/logger.hpp"
#include "galena/time.hpp"

namespace galena::net {

/// Refuses connections when only the reserved descriptors are left (see descriptors.hpp), from now on, in this process.
///
/// libzmq accepts on threads of its own, and up to 4.3.4 it aborts the process when an ipc listener finds no descriptor
/// for a connection (EMFILE, ipc_listener.cpp); with a tcp listener it then tries again and again, and uses a processor
/// up. No option of its changes that, and another thread that watches comes too late (it was tried). So the place where
/// libzmq keeps the address of accept4() is given that of a function of ours, which takes the connection and closes it,
/// so that the peer sees it and comes back later. Nobody else's accept4() changes unless libzmq is linked in
/// statically.
void refuse_connections_when_few_descriptors_are_left();

/// How many were refused so far, in this process.
std::uint64_t refused_connections();

/// Tells a log of refused connections, once a minute at most.
class RefusalNotice {
 public:
  /// To be called now and then: warns if connections were refused since the last warning.
  void look(const Logger& logger);

 private:
  std::uint64_t told_ = refused_connections();
  Time next_ = Time::min();
};

}  // namespace galena::net
