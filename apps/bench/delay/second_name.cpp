// SPDX-License-Identifier: Apache-2.0
#include "delay/second_name.hpp"

#include <zmq.h>

#include <utility>

#include "run/roles.hpp"

namespace galena::bench {

namespace {

constexpr std::uint64_t lease_ms = 6000;
constexpr long renew_ms = 1000;

using Packer = msgpack::packer<msgpack::sbuffer>;

std::string_view text_of(const msgpack::object& object) {
  if (object.type == msgpack::type::STR) return {object.via.str.ptr, object.via.str.size};
  if (object.type == msgpack::type::BIN) return {object.via.bin.ptr, object.via.bin.size};
  return {};
}

const msgpack::object* field_of(const msgpack::object& map, std::string_view key) {
  if (map.type != msgpack::type::MAP) return nullptr;
  for (std::uint32_t i = 0; i < map.via.map.size; ++i) {
    if (text_of(map.via.map.ptr[i].key) == key) return &map.via.map.ptr[i].val;
  }
  return nullptr;
}

void pack_text(Packer& packer, std::string_view text) {
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void pack_id(Packer& packer, const Id& id) {
  packer.pack_bin(static_cast<std::uint32_t>(id.view().size()));
  packer.pack_bin_body(id.view().data(), static_cast<std::uint32_t>(id.view().size()));
}

/// `[verb, {...}]`: `pack_fields` packs that many keys and values.
template <class F>
void say_to(void* service, std::string_view verb, std::uint32_t fields, F pack_fields) {
  msgpack::sbuffer buffer;
  Packer packer(buffer);
  packer.pack_array(2);
  pack_text(packer, verb);
  packer.pack_map(fields);
  pack_fields(packer);
  zmq_send(service, buffer.data(), buffer.size(), 0);
}

void pack_number(Packer& packer, std::string_view key, std::uint64_t number) {
  pack_text(packer, key);
  packer.pack(number);
}

/// Of an endpoint of the loopback interface. Empty if there is none.
std::string loopback_port(const msgpack::object& entry) {
  constexpr std::string_view start = "tcp://127.0.0.1:";
  const msgpack::object* endpoints = field_of(entry, "endpoints");
  if (endpoints == nullptr || endpoints->type != msgpack::type::ARRAY) return {};
  for (std::uint32_t i = 0; i < endpoints->via.array.size; ++i) {
    const std::string_view endpoint = text_of(endpoints->via.array.ptr[i]);
    if (endpoint.starts_with(start)) return std::string(endpoint.substr(start.size()));
  }
  return {};
}

}  // namespace

SecondName::SecondName(Options options)
    : options_(std::move(options)), context_(zmq_ctx_new()), service_(zmq_socket(context_, ZMQ_DEALER)) {
  zmq_connect(service_, ("ipc://@galena/" + options_.domain).c_str());
  std::thread([this] { run(); }).detach();
}

std::string SecondName::target() {
  if (!registered_.wait_for(std::chrono::milliseconds(patience_ms))) {
    throw Error(ErrorCode::timeout, "the producer did not come");
  }
  return target_;
}

void SecondName::run() {
  say_hello();
  zmq_msg_t message;
  zmq_msg_init(&message);
  Time renew_at = Clock::now();
  for (;;) {
    zmq_pollitem_t item{service_, 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, renew_ms);
    while (zmq_msg_recv(&message, service_, ZMQ_DONTWAIT) >= 0) {
      handle({static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message)});
    }
    if (Clock::now() < renew_at) continue;
    say_renew();
    renew_at = Clock::now() + std::chrono::milliseconds(renew_ms);
  }
}

void SecondName::say_hello() {
  say_to(service_, "hello", 5, [&](Packer& packer) {
    pack_number(packer, "id", ++requests_);
    pack_number(packer, "v", 1);
    pack_text(packer, "domain");
    pack_text(packer, options_.domain);
    pack_text(packer, "node");
    pack_id(packer, node_);
    pack_number(packer, "lease", lease_ms);
  });
  say_to(service_, "watch", 2, [&](Packer& packer) {
    pack_text(packer, "name");
    pack_text(packer, options_.name);
    pack_number(packer, "watchers", 1);
  });
}

void SecondName::say_renew() {
  say_to(service_, "renew", 3, [&](Packer& packer) {
    pack_number(packer, "id", ++requests_);
    pack_number(packer, "held", target_.empty() ? 0 : 1);
    pack_number(packer, "watching", 1);
  });
}

void SecondName::handle(std::string_view message) {
  const msgpack::object_handle handle = msgpack::unpack(message.data(), message.size());
  const msgpack::object& object = handle.get();
  if (object.type != msgpack::type::ARRAY || object.via.array.size < 2) return;
  const std::string_view verb = text_of(object.via.array.ptr[0]);
  const msgpack::object& fields = object.via.array.ptr[1];
  if (verb == "changed") {
    if (const msgpack::object* entry = field_of(fields, "entry")) follow(*entry);
  } else if (verb == "registered") {
    registered_.arrive();
  }
}

void SecondName::follow(const msgpack::object& entry) {
  const std::string port = loopback_port(entry);
  if (port.empty() || !target_.empty()) return;
  target_ = port;
  register_as(entry);
}

/// The stage's own entry, except for what it is called and where that leads.
void SecondName::register_as(const msgpack::object& entry) {
  say_to(service_, "register", 2, [&](Packer& packer) {
    pack_number(packer, "id", ++requests_);
    pack_text(packer, "entry");
    packer.pack_map(7);
    pack_text(packer, "name");
    pack_text(packer, options_.second);
    pack_text(packer, "node");
    pack_id(packer, node_);
    pack_text(packer, "endpoints");
    packer.pack_array(1);
    pack_text(packer, options_.endpoint);
    for (const std::string_view key : {"kind", "stage", "host_id", "host"}) {
      const msgpack::object* value = field_of(entry, key);
      pack_text(packer, key);
      packer.pack(value != nullptr ? *value : msgpack::object());
    }
  });
}

}  // namespace galena::bench
