// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "galena/export.hpp"
#include "galena/gap.hpp"
#include "galena/logger.hpp"
#include "galena/name.hpp"
#include "galena/position_store.hpp"
#include "galena/selection.hpp"
#include "galena/state.hpp"
#include "galena/stats.hpp"
#include "galena/time.hpp"
#include "galena/when_full.hpp"

namespace galena {

struct NodeOptions {
  /// Stages of one domain find each other, and nobody else. Empty: GALENA_DOMAIN, or "default".
  std::string domain = {};
  /// Fixed name services, tcp://host:port, instead of this host's own and the beacon. Empty: GALENA_NAMES, or none.
  std::vector<std::string> names = {};
  /// Bind and announce on the interface of this name only. Empty: on all.
  std::string interface = {};
  /// May host this machine's name service if nobody does yet.
  bool host_names = true;
  /// A peer that is silent for so long is gone. Heartbeats come at a quarter of it.
  Duration liveness = std::chrono::seconds(10);
  /// How many threads its stages share. 0: each has one of its own, so that a slow handler delays nobody else; with
  /// hundreds of stages that costs memory (see docs/performance.md).
  std::size_t threads = 0;
  /// Reach producers of this host over ipc rather than over TCP.
  bool prefer_ipc = false;
  /// What the first Node or NameService of a process does to the whole process, once: raises the limit of open files to
  /// its hard limit (each connection needs one), seeds rand() (libzmq draws from it what strangers must not guess), and
  /// lets malloc keep freed blocks of up to 4 MiB instead of giving them back to the kernel. False: none of these.
  bool tune_process = true;
  Logger logger = {};
};

/// Which topics of which producer, and how much of them at a time.
struct Subscription {
  Source producer;
  Selection topics = {};
  /// GenStage's max_demand: never more events than this are on their way or waiting. 0: as many as max_bytes lets.
  std::uint64_t max_demand = 0;
  /// When so few are left of what was asked, it asks up to max_demand again; less than max_demand. Empty: half.
  std::optional<std::uint64_t> min_demand = {};
  /// The same bound in bytes (one event may pass it). Empty: 2 MiB; and without max_demand it tunes itself: it grows up
  /// to 32 MiB while the delay of the link is what limits, and shrinks again while the handler is.
  std::optional<std::uint64_t> max_bytes = {};
  /// It takes no event that is larger, topic and message together, and no frame that is much larger. A producer that
  /// has such an event ends the link instead of sending it, and both sides warn; the place is held as if the connection
  /// had broken. Less than 256 KiB counts as that.
  std::uint64_t largest_event = 64 << 20;
  /// How long the handler may take for one event before the producer takes this consumer for dead, an hour at most: it
  /// waits (or drops) for it meanwhile. What ends with its process or its connection is noticed at once all the same.
  /// Less than the Node's liveness: that.
  Duration patience = Duration::zero();
};

/// When a producer-consumer tells its producers that an event is done with.
enum class Acknowledge : std::uint8_t {
  handled,     ///< when its handler has returned and what it made has room: it is in this process alone then
  downstream,  ///< when those who subscribe to it with an identity have acknowledged all that was made of it
};

/// What to do about a message that does not unpack to the handler's type. It is counted and reported either way.
enum class OnMismatch : std::uint8_t { skip, stop };

struct ProducerOptions {
  Name name = {};
  /// All events that are kept for subscribers, in bytes of memory, 64 KiB at least. One event takes at most a quarter.
  std::uint64_t buffer_bytes = 64 << 20;
  /// The same in events, for each distinct selection. 0: no such bound.
  std::uint64_t buffer_events = 0;
  WhenFull when_full = WhenFull::wait;
  /// How long a subscriber whose connection broke finds its place again. One without an identity makes nobody wait
  /// meanwhile: if the room is needed, its place goes, and it is told what it missed.
  Duration hold = std::chrono::seconds(30);
  /// Identities that are held for from the start, for as long as `hold`: of the consumers that a predecessor of this
  /// producer had.
  std::vector<std::string> expect = {};
  /// So much of what all have acknowledged is kept, in bytes of the buffer: for those who come back later than `hold`,
  /// or from a predecessor of this producer without being expected.
  std::uint64_t retain_bytes = 0;
  /// How long the destructor waits for subscribers to take what is left. Then it logs what nobody took.
  Duration drain = std::chrono::seconds(5);
  /// How long the constructor tries to register a global name.
  Duration register_within = std::chrono::seconds(5);
  /// How often the handler's handle_tick is called; needed if it has one. See docs/api.md.
  Duration tick = Duration::zero();
  /// The name is somebody else's by now (after a network partition). On the stage's thread.
  std::function<void(const std::string& owner)> on_name_lost = {};
  /// A subscriber came, went, or returned, and why: `reason` is empty for those that come. How it stood at that moment,
  /// before what was held for one that is gone became free. On the stage's thread.
  std::function<void(const LinkInfo& subscriber, SubscriberChange change, const std::string& reason)> on_subscriber =
      {};
};

struct ConsumerOptions {
  Name name = {};
  std::vector<Subscription> subscriptions = {};
  OnMismatch on_mismatch = OnMismatch::skip;
  /// Whoever starts with the same identity later goes on where this consumer stopped, or was killed; while both run,
  /// the later one has it. Producers hold its place for their `hold`. See
  /// docs/delivery.md.
  std::string identity = {};
  /// How long the destructor goes on handling what has arrived. What is left then goes to the next consumer, if this
  /// was its producer's only one; if not, the producer counts it as dropped. With an identity the destructor does not:
  /// what is left is held for the next consumer of that.
  Duration drain = std::chrono::seconds(1);
  /// How far it has come, kept by the consumer itself. With none, its producers know what it has acknowledged.
  std::shared_ptr<PositionStore> positions = {};
  /// These are called on the stage's thread, between two events.
  std::function<void(const Source& producer, State state)> on_state = {};
  std::function<void(const Source& producer, const Gap& gap)> on_gap = {};
  /// All that has arrived has been handled: the time to flush what the handler has gathered.
  std::function<void()> on_idle = {};
};

/// A producer-consumer publishes as a Producer and subscribes as a Consumer, with the options of both. They are members
/// and no bases, because `{.name = ..., .subscriptions = ...}` cannot name what lies in a base. What most programs set
/// stands directly here; in `publish` and `subscribe` it must be left alone.
struct ProducerConsumerOptions {
  Name name = {};
  std::vector<Subscription> subscriptions = {};
  Acknowledge acknowledge = Acknowledge::handled;
  /// But for its name and subscriptions. Without an identity and with Acknowledge::downstream, its identity is its
  /// name, if that is global.
  ConsumerOptions subscribe = {};
  /// But for its name.
  ProducerOptions publish = {};
};

struct RemoteProducerOptions {
  /// How long ingest() waits for room in the queue, and answer() for an answer.
  Duration timeout = std::chrono::seconds(10);
  /// What may wait here to be sent, in bytes: beyond it ingest() waits.
  std::uint64_t queue_bytes = 8 << 20;
  /// How long the destructor waits until everything is answered. Then it logs what was not.
  Duration drain = std::chrono::seconds(5);
};

}  // namespace galena
