// SPDX-License-Identifier: Apache-2.0
#include "galena/remote_producer.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "galena/core/outlet.hpp"
#include "galena/error.hpp"
#include "galena/net/socket.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/release_hook.hpp"

namespace galena {
namespace {

using Answer = core::Outlet::Answer;

/// What may wait to be sent: beyond it ingest() waits.
constexpr std::uint64_t queue_bytes = 8 << 20;
constexpr std::size_t smallest_loan = 2048;
/// Refusals that nobody asked for by wait() are only counted.
constexpr std::size_t max_remembered = 1000;
constexpr Duration reconnect_after = std::chrono::milliseconds(100);

core::Outlet::Options outlet_options(const NodeOptions& node) {
  core::Outlet::Options options;
  options.stage = Id::random();
  options.stream = Id::random();
  options.buffer.limit_bytes = queue_bytes;
  options.buffer.retain_bytes = 0;
  options.silence = node.liveness;
  return options;
}

}  // namespace

/// An Outlet whose one link is a DEALER to the producer. It lives on the node's loop; the mutex guards what callers
/// see.
///
/// Tickets count events from 1. Each link carries those after link_base_; all up to failed_upto_ belong to links that
/// broke.
class RemoteProducer::Impl {
 public:
  Impl(Node& node, Name producer, bool values)
      : node_(node.core()), name_(std::move(producer)), values_(values), outlet_(outlet_options(node_.options())) {
    hook_ = std::make_shared<detail::ReleaseHook>([this] { node_.loop().post([this] { reclaim(); }); });
    node_.loop().call([this] { handle_time(); });
    watch_ = node_.watch(name_, node_.loop(), [self = std::weak_ptr(self_)](std::optional<detail::Target> target) {
      if (const auto impl = self.lock()) (*impl)->handle_target(std::move(target));
    });
  }

  ~Impl() {
    node_.unwatch(watch_);
    hook_->disconnect();
    node_.loop().call([this] {
      self_.reset();
      node_.loop().reactor().cancel(timer_);
      node_.loop().reactor().cancel(retry_timer_);
      if (dealer_) {
        {
          const std::lock_guard lock(mutex_);
          outlet_->end();
        }
        transmit();
      }
      dealer_.reset();
    });
  }

  bool is_in_its_process() const { return node_.is_in_its_process(); }

  Ticket send(const EventView& event, Time deadline) {
    node_.check_process();
    std::unique_lock lock(mutex_);
    for (;;) {
      const Answer answer = outlet_->append(event);
      if (answer == Answer::too_large) {
        throw Error(ErrorCode::invalid,
                    fmt::format("an event of {} bytes is too large to be ingested from elsewhere: at most {}",
                                event.payload.size(), outlet_->buffer().largest_event()));
      }
      if (answer == Answer::accepted) break;
      if (outlet_->buffer().awaiting_release()) hook_->arm();
      if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) throw late();
    }
    const Ticket ticket = ++counts_.sent;
    if ((outlet_->wants_poll() || !linked_) && !std::exchange(wake_pending_, true)) {
      node_.loop().post([self = std::weak_ptr(self_)] {
        if (const auto impl = self.lock()) (*impl)->transmit();
      });
    }
    return ticket;
  }

  void wait(Ticket ticket, Time deadline) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_until(lock, deadline, [&] { return answered_ >= ticket; })) {
      if (const auto refusal = refusals_.find(ticket); refusal != refusals_.end()) {
        throw Error(ErrorCode::refused, fmt::format("'{}' refused the event: {}", name_.text, refusal->second));
      }
      for (const Failed& failed : failed_) {
        if (failed.after < ticket && ticket <= failed.upto) throw failed.error;
      }
      return;
    }
    throw late();
  }

  Counts counts() {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  Error late() const {
    if (!ever_connected_) {
      return {ErrorCode::unreachable,
              fmt::format("nobody called '{}' was found in time; `galena ls` lists the names there are", name_.text)};
    }
    return {ErrorCode::timeout, fmt::format("'{}' did not take the event in time", name_.text)};
  }

  /// All that were not answered never will be.
  void fail_unanswered(const Error& error, std::uint64_t& counter) {
    if (answered_ == counts_.sent) return;
    failed_.push_back({answered_, counts_.sent, error});
    if (failed_.size() > max_remembered) failed_.erase(failed_.begin());
    counter += counts_.sent - answered_;
    answered_ = counts_.sent;
    count_accepted();
  }

  // All below on the node's loop.

  void handle_target(std::optional<detail::Target> target) {
    target_ = std::move(target);
    endpoint_ = 0;
    if (dealer_ && target_ && target_->stage != connected_stage_) lose();
    connect();
  }

  void connect() {
    node_.loop().reactor().cancel(retry_timer_);
    if (dealer_ || !target_ || target_->endpoints.empty()) return;
    // One that takes no such events is asked again only for another event: it may be somebody else's name by then.
    if (target_->stage == denied_by_ && nothing_waits()) return;
    connected_stage_ = target_->stage;
    peer_ = std::to_string(++epoch_);
    try {
      dealer_ = std::make_unique<net::Dealer>(
          node_.context(), node_.loop().reactor(), target_->endpoints[endpoint_ % target_->endpoints.size()],
          net::Dealer::Options{}, net::Dealer::Callbacks{[this] { read(); }, {}, [this] { lose(); }});
    } catch (const Error&) {
      lose();
      return;
    }
    const core::Outlet::Options& self = outlet_->options();
    dealer_->send(core::encode(core::Offer{target_->stage, self.stage, self.stream, values_, self.silence}));
  }

  bool nothing_waits() {
    const std::lock_guard lock(mutex_);
    return outlet_->buffer().unclaimed() == 0;
  }

  void read() {
    for (int i = 0; i < 64 && dealer_; ++i) {
      const auto frame = dealer_->receive();
      if (!frame) break;
      const auto message = core::decode(frame->bytes());
      if (!message) {
        const std::lock_guard lock(mutex_);
        outlet_->handle_malformed(peer_);
      } else if (!handle(*message)) {
        return;
      }
    }
    if (dealer_) transmit();
  }

  /// False if the link is over.
  bool handle(const core::Message& message) {
    const Time now = Clock::now();
    std::unique_lock lock(mutex_);
    if (const auto* refuse = std::get_if<core::Refuse>(&message)) {
      ++counts_.refused;
      counts_.last_refusal = refuse->detail;
      refusals_[link_base_ + refuse->number] = refuse->detail;
      if (refusals_.size() > max_remembered) refusals_.erase(refusals_.begin());
      return true;
    }
    if (const auto* cancel = std::get_if<core::Cancel>(&message)) {
      // Another will not help if this one said that it does not take such events.
      if (cancel->reason == core::reason::not_accepted) deny(cancel->detail);
      lock.unlock();
      lose();
      return false;
    }
    const bool subscribes = std::holds_alternative<core::Subscribe>(message);
    if (subscribes) {
      link_base_ = counts_.sent - outlet_->buffer().unclaimed();
      ever_connected_ = linked_ = true;
    }
    outlet_->handle(peer_, message, now);
    note_answers();
    if (!linked_ || outlet_->has_link(peer_)) return true;
    lock.unlock();
    transmit();  // says why
    lose();
    return false;
  }

  /// This producer takes no such events. What waits for it must not go to a later one of the same name.
  void deny(const std::string& why) {
    denied_by_ = connected_stage_;
    counts_.last_refusal = why;
    fail_unanswered({ErrorCode::refused, fmt::format("'{}' takes no such events: {}", name_.text, why)},
                    counts_.refused);
    outlet_.emplace(outlet_options(node_.options()));
  }

  void note_answers() {
    for (const LinkInfo& link : outlet_->links()) answered_ = std::max(answered_, link_base_ + link.acknowledged);
    count_accepted();
    changed_.notify_all();
  }

  void count_accepted() { counts_.accepted = answered_ - counts_.unanswered - counts_.refused; }

  void transmit() {
    std::vector<core::Parcel> parcels;
    {
      const std::lock_guard lock(mutex_);
      wake_pending_ = false;
      outlet_->poll(parcels, Clock::now());
      outlet_->take_notes();
      if (outlet_->buffer().take_freed()) changed_.notify_all();
    }
    for (core::Parcel& parcel : parcels) {
      const bool current = dealer_ && parcel.peer == peer_;
      if (current && parcel.segment != nullptr && parcel.size >= smallest_loan) {
        dealer_->send(detail::lend(parcel.segment, parcel.view(), hook_));
        continue;
      }
      if (current) dealer_->send(parcel.view());
      if (parcel.segment != nullptr) parcel.segment->release();
    }
    if (denied_by_) connect();
  }

  void reclaim() {
    {
      const std::lock_guard lock(mutex_);
      outlet_->buffer().reclaim();
    }
    changed_.notify_all();
  }

  void lose() {
    dealer_.reset();
    ++endpoint_;
    {
      const std::lock_guard lock(mutex_);
      outlet_->handle_gone(peer_, Clock::now());
      if (std::exchange(linked_, false)) {
        fail_unanswered({ErrorCode::unreachable, fmt::format("the link to '{}' broke before it answered: the event may "
                                                             "have been accepted or not",
                                                             name_.text)},
                        counts_.unanswered);
      }
    }
    changed_.notify_all();
    retry_timer_ = node_.loop().reactor().after(reconnect_after, [this] { connect(); });
  }

  void handle_time() {
    timer_ = node_.loop().reactor().after(node_.options().liveness / 8, [this] { handle_time(); });
    bool broken = false;
    {
      const std::lock_guard lock(mutex_);
      outlet_->handle_time(Clock::now());
      broken = linked_ && !outlet_->has_link(peer_);
    }
    transmit();
    if (broken) lose();
  }

  detail::NodeCore& node_;
  const Name name_;
  const bool values_;

  std::mutex mutex_;  // guards these
  std::condition_variable changed_;
  std::optional<core::Outlet> outlet_;
  Counts counts_;
  Ticket answered_ = 0;  // all up to this have an answer, or never will
  Ticket link_base_ = 0;
  std::map<Ticket, std::string> refusals_;
  struct Failed {  // the tickets (after, upto]
    Ticket after;
    Ticket upto;
    Error error;
  };
  std::vector<Failed> failed_;
  bool wake_pending_ = false;
  bool ever_connected_ = false;
  bool linked_ = false;

  std::shared_ptr<Impl*> self_ = std::make_shared<Impl*>(this);
  std::shared_ptr<detail::ReleaseHook> hook_;
  detail::NodeCore::WatchId watch_ = 0;
  std::optional<detail::Target> target_;
  std::size_t endpoint_ = 0;
  std::uint64_t epoch_ = 0;
  std::string peer_;
  Id connected_stage_;
  Id denied_by_;  // this stage takes no such events
  std::unique_ptr<net::Dealer> dealer_;
  net::Reactor::TimerId timer_ = 0;
  net::Reactor::TimerId retry_timer_ = 0;
};

RemoteProducer::RemoteProducer(Node& node, Name producer, bool values)
    : impl_(std::make_unique<Impl>(node, std::move(producer), values)) {}
RemoteProducer::~RemoteProducer() {
  if (!impl_->is_in_its_process()) ProcessMark::abandon(impl_);
}

RemoteProducer::Ticket RemoteProducer::send(const EventView& event, Time deadline) {
  return impl_->send(event, deadline);
}
void RemoteProducer::wait(Ticket ticket, Time deadline) { impl_->wait(ticket, deadline); }
RemoteProducer::Counts RemoteProducer::counts() const { return impl_->counts(); }

}  // namespace galena
