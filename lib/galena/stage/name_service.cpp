// SPDX-License-Identifier: Apache-2.0
#include "galena/name_service.hpp"

#include <algorithm>
#include <string_view>

#include "galena/base/process.hpp"
#include "galena/error.hpp"
#include "galena/names/service.hpp"
#include "galena/net/accept.hpp"
#include "galena/net/context.hpp"
#include "galena/net/interface.hpp"
#include "galena/stage/environment.hpp"
#include "galena/stage/loop.hpp"

namespace galena {
namespace {

constexpr std::string_view any_address = "tcp://*:";

/// "tcp://*:PORT" on the interface alone, if one is given.
std::string bind_address(const std::string& bind, const std::string& interface) {
  if (interface.empty()) return bind;
  const auto found = net::interfaces(interface);
  if (found.empty()) {
    throw Error(ErrorCode::invalid,
                "there is no interface '" + interface + "' with an IPv4 address; `ip -4 addr` lists them");
  }
  if (!bind.starts_with(any_address)) return bind;
  return "tcp://" + net::dotted(found.front().address) + ":" + bind.substr(any_address.size());
}

/// Others cannot connect to 0.0.0.0. Replaces it by an address of this host, if possible not a loopback one.
std::string reachable(const std::string& endpoint) {
  constexpr std::string_view bound = "tcp://0.0.0.0:";
  if (!endpoint.starts_with(bound)) return endpoint;
  const auto all = net::interfaces();
  const auto best = std::find_if(all.begin(), all.end(), [](const net::Interface& each) { return !each.loopback; });
  const std::string address = best == all.end() ? "127.0.0.1" : net::dotted(best->address);
  return "tcp://" + address + ":" + endpoint.substr(bound.size());
}

}  // namespace

class NameService::Impl {
 public:
  explicit Impl(NameServiceOptions options) : logger_(std::move(options.logger)), context_(options.tune_process) {
    names::ServiceOptions service;
    service.domain = detail::domain_or_environment(std::move(options.domain));
    service.bind = bind_address(options.bind, options.interface);
    service.interface = std::move(options.interface);
    if (!options.beacon) service.beacon_port = 0;
    loop_.call([&] {
      service_ = std::make_unique<names::Service>(context_, loop_.reactor(), service, logger_);
      look();
    });
  }
  ~Impl() {
    loop_.call([this] { service_.reset(); });
  }

  bool is_in_its_process() const { return process_.is_here(); }
  std::string endpoint() const { return reachable(service_->endpoint()); }

 private:
  void look() {
    refusals_.look(logger_);
    loop_.reactor().after(std::chrono::seconds(1), [this] { look(); });
  }

  ProcessMark process_;
  Logger logger_;
  net::Context context_;
  net::RefusalNotice refusals_;
  std::unique_ptr<names::Service> service_;  // lives on the loop
  detail::Loop loop_;
};

NameService::NameService(NameServiceOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
NameService::~NameService() {
  if (!impl_->is_in_its_process()) ProcessMark::abandon(impl_);
}
std::string NameService::endpoint() const { return impl_->endpoint(); }

}  // namespace galena
