// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "galena/export.hpp"
#include "galena/logger.hpp"

namespace galena {

struct NameServiceOptions {
  std::string domain = {};         ///< empty: GALENA_DOMAIN, or "default"
  std::string bind = "tcp://*:0";  ///< port 0: an ephemeral one, which the beacon tells
  bool beacon = true;              ///< announce it, and hear of others
  std::string interface = {};      ///< bind and announce on the interface of this name only
  bool tune_process = true;        ///< see NodeOptions
  Logger logger = {};
};

/// A dedicated name service: it is in charge before any that a Node hosts. It runs on a thread of its own
/// from construction to destruction.
class GALENA_API NameService {
 public:
  /// Throws Error: system, if it cannot bind; invalid, if `bind` is no TCP endpoint or there is no such interface.
  explicit NameService(NameServiceOptions options = {});
  ~NameService();
  NameService(const NameService&) = delete;
  NameService& operator=(const NameService&) = delete;

  /// Where it can be reached: tcp://address:port, to be given to others as --names.
  std::string endpoint() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace galena
