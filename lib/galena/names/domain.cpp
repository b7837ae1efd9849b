// SPDX-License-Identifier: Apache-2.0
#include "galena/names/domain.hpp"

#include "galena/error.hpp"

namespace galena::names {

std::string local_endpoint(const std::string& domain) {
  // The address of an abstract socket has room for 107 bytes, and libzmq ends it at the first zero byte.
  if (domain.empty() || domain.size() > 64 || domain.find('\0') != std::string::npos) {
    throw Error(ErrorCode::invalid, "a domain has 1 to 64 bytes, none of them zero; this one has " +
                                        std::to_string(domain.size()) + ": '" + domain.substr(0, 80) + "'");
  }
  return "ipc://@galena/" + domain;
}

}  // namespace galena::names
