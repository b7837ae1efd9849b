// SPDX-License-Identifier: Apache-2.0
#include "galena/net/accept.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <span>
#include <string>

#include "galena/net/descriptors.hpp"

namespace galena::net {
namespace {

std::atomic<std::uint64_t> refused{0};

/// Instead of accept4(), on libzmq's threads. What it answers is one of those that libzmq takes for the peer's failure.
int accept_for_libzmq(int listener, sockaddr* address, socklen_t* size, int flags) {
  const std::size_t enough = reserved_descriptors() + 1;
  const bool few = free_descriptors(enough) < enough;
  const int fd = accept4(listener, address, size, flags);
  if (fd < 0 && errno == EMFILE) errno = ECONNABORTED;
  if (fd < 0 || !few) return fd;
  close(fd);
  refused.fetch_add(1, std::memory_order_relaxed);
  errno = ECONNABORTED;
  return -1;
}

/// A loaded program or library: what its dynamic section says.
class Image {
 public:
  explicit Image(const dl_phdr_info& info) : base_(info.dlpi_addr), headers_(info.dlpi_phdr, info.dlpi_phnum) {
    for (const ElfW(Phdr) & header : headers_) {
      if (header.p_type != PT_DYNAMIC) continue;
      for (const auto* entry = at<ElfW(Dyn)>(header.p_vaddr); entry->d_tag != DT_NULL; ++entry) note(*entry);
    }
  }

  bool contains(const void* address) const {
    const auto offset = reinterpret_cast<ElfW(Addr)>(address) - base_;
    for (const ElfW(Phdr) & header : headers_) {
      if (header.p_type == PT_LOAD && offset - header.p_vaddr < header.p_memsz) return true;
    }
    return false;
  }

  /// Where it keeps the addresses of the function that it knows by this name.
  void replace(const char* name, void* function) const {
    for (const Relocations& relocations : {calls_, others_}) {
      for (std::size_t i = 0; i < relocations.count; ++i) {
        const ElfW(Rela)& each = relocations.first[i];
        const auto symbol = sizeof(void*) == 8 ? each.r_info >> 32 : each.r_info >> 8;
        if (symbol == 0 || std::strcmp(names_ + symbols_[symbol].st_name, name) != 0) continue;
        write(at<void*>(each.r_offset), function);
      }
    }
  }

 private:
  /// The dynamic section tells the two apart from each other: not a span, which must be valid at all times.
  struct Relocations {
    const ElfW(Rela) * first = nullptr;
    std::size_t count = 0;
  };

  template <class T>
  T* at(ElfW(Addr) offset) const {
    return std::bit_cast<T*>(base_ + offset);
  }
  /// An address in the dynamic section, which some loaders have made absolute.
  template <class T>
  const T* pointer(const ElfW(Dyn) & entry) const {
    const auto address = entry.d_un.d_ptr;
    return std::bit_cast<const T*>(address < base_ ? base_ + address : address);
  }

  void note(const ElfW(Dyn) & entry) {
    switch (entry.d_tag) {
      case DT_STRTAB:
        names_ = pointer<char>(entry);
        break;
      case DT_SYMTAB:
        symbols_ = pointer<ElfW(Sym)>(entry);
        break;
      case DT_JMPREL:
        calls_.first = pointer<ElfW(Rela)>(entry);
        break;
      case DT_PLTRELSZ:
        calls_.count = entry.d_un.d_val / sizeof(ElfW(Rela));
        break;
      case DT_RELA:
        others_.first = pointer<ElfW(Rela)>(entry);
        break;
      case DT_RELASZ:
        others_.count = entry.d_un.d_val / sizeof(ElfW(Rela));
        break;
      default:
        break;
    }
  }

  /// Part of a library's tables may be read-only once it is loaded.
  void write(void** place, void* function) const {
    const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    auto* const page = reinterpret_cast<char*>(place) - std::bit_cast<std::uintptr_t>(place) % size;
    const auto offset = reinterpret_cast<ElfW(Addr)>(place) - base_;
    bool is_fixed = false;
    for (const ElfW(Phdr) & header : headers_) {
      if (header.p_type == PT_GNU_RELRO && offset - header.p_vaddr < header.p_memsz) is_fixed = true;
    }
    if (is_fixed && mprotect(page, size, PROT_READ | PROT_WRITE) != 0) return;
    std::atomic_ref(*place).store(function);
    if (is_fixed) mprotect(page, size, PROT_READ);
  }

  ElfW(Addr) base_;
  std::span<const ElfW(Phdr)> headers_;
  const char* names_ = nullptr;
  const ElfW(Sym) * symbols_ = nullptr;
  Relocations calls_;
  Relocations others_;
};

}  // namespace

void refuse_connections_when_few_descriptors_are_left() {
  static std::once_flag once;
  std::call_once(once, [] {
    const auto visit = [](dl_phdr_info* info, std::size_t, void*) {
      const Image image(*info);
      if (!image.contains(reinterpret_cast<const void*>(&zmq_bind))) return 0;
      image.replace("accept4", reinterpret_cast<void*>(&accept_for_libzmq));
      return 1;
    };
    dl_iterate_phdr(visit, nullptr);
  });
}

std::uint64_t refused_connections() { return refused.load(std::memory_order_relaxed); }

void RefusalNotice::look(const Logger& logger) {
  const std::uint64_t refused_by_now = refused_connections();
  const Time now = Clock::now();
  if (refused_by_now == told_ || now < next_) return;
  next_ = now + std::chrono::minutes(1);
  logger.warning(std::to_string(refused_by_now - told_) + " connections were refused: hardly any of the " +
                 std::to_string(descriptor_limit()) + " descriptors are left that this process may have (ulimit -n)");
  told_ = refused_by_now;
}

}  // namespace galena::net
