// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <utility>

namespace galena {

/// In which process an object was made. fork() copies an object but not its threads, so in the child nothing that it
/// waits for will happen: its owner asks this mark before it uses the object, and abandons it instead of destroying it.
class ProcessMark {
 public:
  ProcessMark();

  /// False in a child that was forked since. Costs one load of a variable. Thread: any.
  bool is_here() const { return forks_ == forks.load(std::memory_order_relaxed); }
  /// Throws galena::Error if this is a child; `what` is "this Node", for instance.
  void check(std::string_view what) const {
    if (!is_here()) [[unlikely]] {
      refuse(what);
    }
  }

  /// Neither destroys nor frees what `object` owns; it stays reachable, so that no leak is reported.
  template <class T>
  static void abandon(std::unique_ptr<T>& object) {
    keep(object.release());
  }
  template <class T>
  static void abandon(std::shared_ptr<T>& object) {
    keep(new std::shared_ptr<T>(std::move(object)));
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const;
  static void keep(const void* object);

  static std::atomic<unsigned> forks;  // between this process and the one in which the first mark was made
  unsigned forks_;
  int pid_;
};

}  // namespace galena
