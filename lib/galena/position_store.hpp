// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "galena/error.hpp"
#include "galena/export.hpp"
#include "galena/time.hpp"

namespace galena {

/// Where a consumer with an identity keeps how far it has handled each of its subscriptions, so that whoever takes up
/// the identity after it goes on there. The order is always: the handler has returned, save(), the producer is told
/// that the events are done with. The first save() of a link comes before its first event. An application that keeps
/// its effects and its positions in one transaction derives from this, gathers effects in its handler, and commits both
/// in save(): then each event has its effect once, whatever ends the process (see examples/effectively_once.cpp).
///
/// If the handler throws, what it did of that event must not be saved with a position that excludes the event: the
/// event would come again and have that effect twice. So discard() is called before anything else is saved.
///
/// Called on the stage's thread, never while the handler runs.
class GALENA_API PositionStore {
 public:
  PositionStore() = default;
  virtual ~PositionStore() = default;
  PositionStore(const PositionStore&) = delete;
  PositionStore& operator=(const PositionStore&) = delete;

  /// What save() was last given for the subscription; empty if it never was. What it throws ends the set-up of the
  /// stage.
  virtual std::optional<std::string> load(const std::string& subscription) = 0;
  /// `position` is a line of text that is of use to load() alone. If this throws, nothing is acknowledged, and it is
  /// tried again: events wait, and none is lost.
  virtual void save(const std::string& subscription, const std::string& position) = 0;
  /// The handler has thrown, and its stage stops. Effects gathered since the last save() are void, of all subscriptions
  /// of the stage: a store that commits effects forgets them here. Returns true if there may have been any: then
  /// nothing more is saved or acknowledged, and the events since the last save() come again to the next consumer of the
  /// identity. Returns false if this store commits positions alone: then the position before the failing event is
  /// saved.
  [[nodiscard]] virtual bool discard() { return true; }
};

/// Positions in a small text file, a line for each subscription. It is replaced as a whole (written beside it, then
/// renamed), so it is never half written. It survives the end of the process at any moment; a power cut may set it back
/// to what was last flushed, which makes repetitions, and no loss while the producer still holds the events. Only its
/// owner may read it. Consumers of one process may share it, each with its own identity; those of others need their
/// own.
class GALENA_API FilePositions final : public PositionStore {
 public:
  /// Reads the file, if it is there. A save() also flushes the file to the disk, which takes some milliseconds, unless
  /// that was done less than `flush` ago: zero flushes each time, Duration::max() never does. Throws Error: system, if
  /// the file cannot be read or the directory not be written to; invalid, if it is not such a file, or a directory or a
  /// link.
  explicit FilePositions(std::string path, Duration flush = std::chrono::seconds(1));

  std::optional<std::string> load(const std::string& subscription) override;
  /// Throws Error (system), and then the file is as it was.
  void save(const std::string& subscription, const std::string& position) override;
  [[nodiscard]] bool discard() override { return false; }
  /// Throws Error (system) if the last save() has failed. To be asked when the consumer has been destroyed: then what
  /// it handled last comes again. Any thread.
  void check();

 private:
  void write(const std::string& text, Time now);

  std::mutex mutex_;  // several consumers may share it
  const std::string path_;
  const Duration flush_;
  Time flushed_ = Time::min();
  std::optional<Error> failure_;
  std::map<std::string, std::string> positions_;
};

}  // namespace galena
