// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/name_service.hpp"

#include "galena/names/service.hpp"
#include "galena/stage/environment.hpp"
#include "galena/stage/loop.hpp"

namespace galena {

class NameService::Impl {
 public:
  explicit Impl(NameServiceOptions options) : logger_(std::move(options.logger)) {
    names::ServiceOptions service;
    service.domain = detail::domain_or_environment(std::move(options.domain));
    service.bind = std::move(options.bind);
    service.interface = std::move(options.interface);
    if (!options.beacon) service.beacon_port = 0;
    loop_.call([&] { service_ = std::make_unique<names::Service>(context_, loop_.reactor(), service, logger_); });
  }
  ~Impl() {
    loop_.call([this] { service_.reset(); });
  }

  std::string endpoint() const { return service_->endpoint(); }

 private:
  Logger logger_;
  net::Context context_;
  std::unique_ptr<names::Service> service_;  // lives on the loop
  detail::Loop loop_;
};

NameService::NameService(NameServiceOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
NameService::~NameService() = default;
std::string NameService::endpoint() const { return impl_->endpoint(); }

}  // namespace galena
