// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <galena/galena.hpp>
#include <galena/msgpack.hpp>

namespace galena::cli {

/// What was measured of one thing.
struct Reading {
  double value = 0;
  std::string unit;
  MSGPACK_DEFINE(value, unit)
};

/// This machine's own readings, by topic: the load of each core ("cpu/0"), "memory", the traffic of each network
/// interface ("net/lo") and of each disk ("disk/sda"). What /proc does not tell here is left out. One thread.
class Readings {
 public:
  using Values = std::vector<std::pair<std::string, Reading>>;

  /// Loads and traffic since the last call; zero in the first.
  Values take();

 private:
  void take_cores(Values& values);
  void take_interfaces(Values& values);
  void take_disks(Values& values);
  void add_traffic(Values& values, const std::string& topic, double bytes);

  struct Ticks {
    double busy = 0;
    double all = 0;
  };
  std::map<std::string, Ticks> cores_;
  std::map<std::string, double> traffic_;  // bytes so far
  double elapsed_ = 0;
  Time taken_{};
};

}  // namespace galena::cli
