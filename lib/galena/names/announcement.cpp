// SPDX-License-Identifier: Apache-2.0
#include "galena/names/announcement.hpp"

#include "galena/base/pack.hpp"
#include "galena/names/message.hpp"
#include "galena/names/service_address.hpp"

namespace galena::names {
namespace {

constexpr std::string_view magic = "galena-names";
constexpr std::size_t longest_domain = 64;

}  // namespace

std::string encode(const Announcement& announcement) {
  PackWriter out;
  out.array(7).str(magic).uint(spoken_versions.oldest).str(announcement.domain).id(announcement.service);
  out.uint(announcement.term).boolean(announcement.dedicated).uint(announcement.port);
  return out.take();
}

std::optional<Announcement> decode_announcement(std::string_view datagram) {
  PackReader in(datagram);
  const auto size = in.array();
  if (!size || *size < 7 || in.text() != magic || in.uint() != spoken_versions.oldest) return std::nullopt;
  const auto domain = in.text();
  const auto service = in.id();
  const auto term = in.uint();
  const auto dedicated = in.boolean();
  const auto port = in.uint();
  if (!domain || domain->size() > longest_domain || !service || !term || *term >= highest_credible_term) return {};
  if (!dedicated || !port || *port > 65535 || (*service && *port == 0)) return {};
  return Announcement{std::string(*domain), *service, *term, *dedicated, static_cast<std::uint16_t>(*port)};
}

}  // namespace galena::names
