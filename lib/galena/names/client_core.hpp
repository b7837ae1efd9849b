// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "galena/names/listings.hpp"
#include "galena/names/message.hpp"
#include "galena/names/resolver.hpp"
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

  void register_name(Registration registration, Duration timeout, std::function<void(Registered)> done,
                     std::function<void(const Entry&)> lost, Time now);
  void unregister(const std::string& name, const Id& stage, Duration timeout, Call done, Time now);
  void set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers);
  WatchId watch(const std::string& name, Watches::Changed changed);
  void unwatch(WatchId id);
  void list(Duration timeout, Listings::Done done, Time now);

  void handle_connected(Time now);
  void handle_disconnected();
  void handle_message(std::string_view bytes, Time now);
  void handle_timeout(Time now);

  std::optional<std::string> poll_send();
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
  using Key = std::pair<std::string, Id>;  // name and stage: two stages of a node may want one name

  struct WantedName {
    Registration registration;
    std::uint64_t request = 0;
    Time deadline;        // of the first answer
    Token token;          // zero until granted
    Time since;           // when it was granted
    bool counted = true;  // the service knows the number of subscribers
    std::function<void(Registered)> done;
    std::function<void(const Entry&)> lost;
    bool registered() const { return token != Token{}; }
  };
  struct Unregistering {
    Time deadline;
    Call done;
  };
  void send(const Message& message);
  void expect_answer(Time now);
  void send_everything(Time now);
  void send_registration(WantedName& wanted, Time now);
  void send_watch(const std::string& name);
  void send_list(std::uint64_t request, const std::string& after);
  void renew(Time now);
  void finish(std::map<Key, WantedName>::iterator it, Registered result);

  void handle_registered(const Message& message, Time now);
  void handle_taken(const Message& message);
  void handle_refused(const Message& message);
  void handle_challenge(const Message& message);

  Options options_;
  State state_ = State::disconnected;
  bool failed_ = false;
  std::string refusal_;
  Id service_;  // that last welcomed this node
  std::uint64_t term_ = 0;
  std::uint64_t last_request_ = 0;
  Time overdue_ = never;  // if nothing is heard until then, the service has failed
  Time next_renewal_ = never;
  Time confirmed_ = Time::min();  // when a service last confirmed the registrations

  std::map<Key, WantedName> wanted_;
  std::map<std::uint64_t, Unregistering> unregistering_;

  std::deque<std::string> output_;
  std::deque<Call> calls_;
  Watches watches_{calls_};
  Listings listings_{calls_};
  std::optional<ServiceAddress> redirect_;
};

}  // namespace galena::names
