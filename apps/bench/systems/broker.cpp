// SPDX-License-Identifier: Apache-2.0
#include "systems/broker.hpp"

#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "galena/error.hpp"
#include "run/roles.hpp"

namespace galena::bench {

namespace {

constexpr std::size_t broker_write_bytes = 64 * 1024;
constexpr std::string_view line_end = "\r\n";

std::size_t number_in(std::string_view digits) {
  std::size_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

/// A line without its end; empty if that has not come.
std::optional<std::string_view> first_line(std::string_view bytes) {
  const std::size_t end = bytes.find(line_end);
  if (end == std::string_view::npos) return std::nullopt;
  return bytes.substr(0, end);
}

}  // namespace

std::string broker_package(System system) { return std::string(to_string(system)) + "-server"; }

std::string broker_program(System system) {
  const char* path = std::getenv("PATH");
  // Where Debian has servers, whether the path of this user says so or not.
  std::istringstream directories((path != nullptr ? std::string(path) : "") + ":/usr/sbin:/usr/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string program = directory + "/" + broker_package(system);
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

BrokerLink::BrokerLink(System system, const std::string& port)
    : system_(system), socket_(connect_to(Transport::tcp, port, patience_ms)), input_(1 << 20) {
  if (system_ != System::nats) return;
  output_ = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n";
  flush();
  wait_for_answer();  // who it is
  wait_for_answer();  // PONG
}

void BrokerLink::subscribe(const std::string& channel) {
  if (system_ == System::nats) {
    output_ += "SUB " + channel + " 1\r\nPING\r\n";
  } else {
    output_ += "*2\r\n$9\r\nSUBSCRIBE\r\n$" + std::to_string(channel.size()) + "\r\n" + channel + "\r\n";
  }
  flush();
  wait_for_answer();
}

void BrokerLink::publish(std::string_view channel, std::string_view payload) {
  char digits[24];
  const auto text = [&](std::size_t number) {
    return std::string_view(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  };
  if (system_ == System::nats) {
    output_.append("PUB ").append(channel).append(" ").append(text(payload.size()));
  } else {
    output_.append("*3\r\n$7\r\nPUBLISH\r\n$").append(text(channel.size())).append(line_end).append(channel);
    output_.append("\r\n$").append(text(payload.size()));
  }
  output_.append(line_end).append(payload).append(line_end);
  if (output_.size() >= broker_write_bytes) flush();
}

void BrokerLink::flush() {
  write_all(socket_, output_.data(), output_.size());
  output_.clear();
}

std::optional<std::string_view> BrokerLink::next(bool wait) {
  for (;;) {
    if (const auto parsed = take()) {
      if (parsed->kind == Kind::event) return parsed->payload;
    } else if (!fill(wait)) {
      return std::nullopt;
    }
  }
}

std::optional<BrokerLink::Parsed> BrokerLink::take() {
  const std::string_view bytes(input_.data() + begin_, end_ - begin_);
  const auto parsed = system_ == System::nats ? parse_nats(bytes) : parse_redis(bytes);
  if (parsed) begin_ += parsed->size;
  return parsed;
}

/// `MSG channel id length`, then the payload; or a line of another kind.
std::optional<BrokerLink::Parsed> BrokerLink::parse_nats(std::string_view bytes) {
  const auto line = first_line(bytes);
  if (!line) return std::nullopt;
  const std::size_t head = line->size() + line_end.size();
  if (line->starts_with("MSG ")) {
    const std::size_t length = number_in(line->substr(line->rfind(' ') + 1));
    if (bytes.size() < head + length + line_end.size()) return std::nullopt;
    return Parsed{Kind::event, bytes.substr(head, length), head + length + line_end.size()};
  }
  if (line->starts_with("-ERR")) throw Error(ErrorCode::refused, "nats-server says " + std::string(*line));
  if (line->starts_with("PING")) write_all(socket_, "PONG\r\n", 6);
  return Parsed{Kind::other, {}, head};
}

/// An array of strings, the last of which is the payload if the first is `message`; or a line.
std::optional<BrokerLink::Parsed> BrokerLink::parse_redis(std::string_view bytes) {
  auto line = first_line(bytes);
  if (!line) return std::nullopt;
  if (line->starts_with("-")) throw Error(ErrorCode::refused, "redis-server says " + std::string(*line));
  Parsed parsed{Kind::other, {}, line->size() + line_end.size()};
  if (!line->starts_with("*")) return parsed;
  const std::size_t items = number_in(line->substr(1));
  for (std::size_t item = 0; item < items; ++item) {
    line = first_line(bytes.substr(parsed.size));
    if (!line) return std::nullopt;
    parsed.size += line->size() + line_end.size();
    if (!line->starts_with("$")) continue;  // a number
    const std::size_t length = number_in(line->substr(1));
    if (bytes.size() < parsed.size + length + line_end.size()) return std::nullopt;
    parsed.payload = bytes.substr(parsed.size, length);
    if (item == 0 && parsed.payload == "message") parsed.kind = Kind::event;
    parsed.size += length + line_end.size();
  }
  return parsed;
}

bool BrokerLink::fill(bool wait) {
  if (begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == input_.size()) input_.resize(2 * input_.size());
  pollfd event{socket_.get(), POLLIN, 0};
  if (poll(&event, 1, wait ? patience_ms : 0) <= 0) return false;
  const std::size_t got = read_some(socket_, input_.data() + end_, input_.size() - end_);
  end_ += got;
  return got > 0;
}

void BrokerLink::wait_for_answer() {
  while (!take()) {
    if (!fill(true)) throw Error(ErrorCode::timeout, broker_package(system_) + " does not answer");
  }
}

}  // namespace galena::bench
