// SPDX-License-Identifier: Apache-2.0
#include "commands/names.hpp"

#include "cli/exit_code.hpp"
#include "io/json.hpp"
#include "io/output.hpp"
#include "io/stop.hpp"

#include <nlohmann/json.hpp>

namespace galena::cli {

int run_names(const NamesOptions& options) {
  if (!options.common.names.empty()) {
    say("a name service finds others by the beacon; --names is for those who use it, and is ignored here");
  }
  const Stop stop;
  Output output = Output::standard(stop);
  const NameService service({.domain = options.common.domain,
                             .bind = options.bind,
                             .beacon = options.beacon,
                             .interface = options.common.interface,
                             .logger = make_logger(options.common)});
  std::string& out = output.buffer();
  if (options.json) {
    Json about;
    add_bytes(about, "endpoint", service.endpoint());
    add_bytes(about, "domain", domain_of(options.common));
    out.append(about.dump()).push_back('\n');
  } else {
    out.append(service.endpoint()).push_back('\n');
  }
  if (!output.flush() && !output.closed()) throw Error(ErrorCode::system, output.error());
  stop.wait_until(never);
  return exit_ok;
}

}  // namespace galena::cli
