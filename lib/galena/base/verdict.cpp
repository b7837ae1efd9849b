// SPDX-License-Identifier: Apache-2.0
#include "galena/verdict.hpp"

namespace galena {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::pending:
      return "pending";
    case Verdict::accepted:
      return "accepted";
    case Verdict::refused:
      return "refused";
    case Verdict::withdrawn:
      return "withdrawn";
    case Verdict::unknown:
      break;
  }
  return "unknown";
}

}  // namespace galena
