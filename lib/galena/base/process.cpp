// SPDX-License-Identifier: Apache-2.0
#include "galena/base/process.hpp"

#include <pthread.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "galena/error.hpp"

namespace galena {

std::atomic<unsigned> ProcessMark::forks{0};

ProcessMark::ProcessMark() : pid_(getpid()) {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });
  static_cast<void>(registered);  // it fails only without memory: then a child hangs, as it would without marks
  forks_ = forks;
}

void ProcessMark::refuse(std::string_view what) const {
  throw Error(ErrorCode::invalid, std::string(what) + " was made in process " + std::to_string(pid_) +
                                      ", which has forked since, and its threads exist only there: make a new one in "
                                      "this process, or fork before you make the first");
}

void ProcessMark::keep(const void* object) {
  static auto* const abandoned = new std::vector<const void*>;
  abandoned->push_back(object);
}

}  // namespace galena
