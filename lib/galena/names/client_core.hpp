// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "galena/names/listings.hpp"
#include "galena/names/questions.hpp"
#include "galena/names/registrations.hpp"
#include "galena/names/service_address.hpp"
#include "galena/names/watches.hpp"

namespace galena::names {

/// The node's half of the names protocol, without a socket or a clock. It knows the names that the node registers and
/// those that it watches, whatever becomes of connections and services: it tells everything again to each service that
/// welcomes it.
class ClientCore {
 public:
  using WatchId = Watches::WatchId;
  using Call = std::function<void()>;

  struct Options {
    Id node;
    std::string domain;
    Duration lease = std::chrono::seconds(6);
    Duration answer = std::chrono::seconds(1);  ///< a service that does not answer for so long has failed
  };
  enum class State { disconnected, greeting, welcomed };

  explicit ClientCore(Options options);
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  void register_name(Registration registration, Duration timeout, Registrations::Done done, Registrations::Lost lost,
                     Time now);
  void unregister(const std::string& name, const Id& stage, Duration timeout, Call done, Time now);
  void set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers);
  WatchId watch(const std::string& name, Watches::Changed changed);
  void unwatch(WatchId id);
  void list(Duration timeout, Listings::Done done, Time now);

  void handle_connected(Time now);
  void handle_disconnected();
  void handle_message(std::string_view bytes, Time now);
  void handle_timeout(Time now);

  std::optional<std::string> poll_send() { return questions_.poll(); }
  /// The next of the callbacks above that is due. It may call any member.
  std::optional<Call> poll_call();
  bool has_calls() const { return !calls_.empty(); }
  /// The service that the present one said to ask instead. The present one answers nothing else any more.
  std::optional<ServiceAddress> poll_redirect();
  bool redirected() const { return redirect_.has_value(); }
  /// The service refused the hello, or has not answered for too long: connect again, or to another service.
  bool failed() const { return failed_; }
  Time poll_timeout() const;

  State state() const { return state_; }
  const Id& service() const { return service_; }
  std::uint64_t term() const { return term_; }
  const std::string& last_refusal() const { return refusal_; }

 private:
  void expect_answer(Time now);
  void send_everything(Time now);
  void send_watch(const std::string& name);
  void send_list(std::uint64_t request, const std::string& after);
  void renew(Time now);
  void handle_welcome(const Message& message, Time now);

  Options options_;
  State state_ = State::disconnected;
  bool failed_ = false;
  std::string refusal_;
  Id service_;  // that last welcomed this node
  std::uint64_t term_ = 0;
  Time overdue_ = never;  // if nothing is heard until then, the service has failed
  Time next_renewal_ = never;

  Questions questions_;
  std::deque<Call> calls_;
  Registrations registrations_{questions_, calls_, options_.lease};
  Watches watches_{calls_};
  Listings listings_{calls_};
  std::optional<ServiceAddress> redirect_;
};

}  // namespace galena::names
