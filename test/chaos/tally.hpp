// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace chaos {

/// How many events a source has offered and how many were accepted, in a file that is mapped: it tells the truth also
/// about a process that was killed between two instructions. Two numbers of 8 bytes in this machine's byte order.
class Tally {
 public:
  explicit Tally(const std::string& path) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    void* memory = MAP_FAILED;
    if (file >= 0 && ftruncate(file, sizeof(Counts)) == 0) {
      memory = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    if (memory == MAP_FAILED) {
      std::perror(path.c_str());
      std::abort();
    }
    close(file);
    counts_ = static_cast<Counts*>(memory);
  }
  ~Tally() { munmap(counts_, sizeof(Counts)); }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  void offer() { counts_->offered.fetch_add(1); }
  void accept() { counts_->accepted.fetch_add(1); }
  std::uint64_t accepted() const { return counts_->accepted.load(); }

 private:
  struct Counts {
    std::atomic<std::uint64_t> offered;
    std::atomic<std::uint64_t> accepted;
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  Counts* counts_ = nullptr;
};

}  // namespace chaos
