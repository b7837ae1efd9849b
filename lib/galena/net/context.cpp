// SPDX-License-Identifier: Apache-2.0
#include "galena/net/context.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <latch>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "galena/error.hpp"
#include "galena/id.hpp"
#include "galena/net/accept.hpp"
#include "galena/net/descriptors.hpp"

namespace galena::net {
namespace {

/// glibc gives memory above a threshold back to the kernel as soon as it is freed, and raises that threshold (128 KiB
/// at first) to the largest block it has seen freed. Received frames are as large: without this every one of them is
/// faulted in page by page. A program that has set the threshold itself (mallopt) keeps it.
void keep_freed_frames() {
  constexpr std::size_t largest_frame = 4 << 20;
  void* volatile block = std::malloc(largest_frame);
  std::free(block);
}

void tune() {
  keep_freed_frames();
  // libzmq draws routing ids from rand(). A stranger must not be able to guess them.
  unsigned seed = 0;
  random_bytes(&seed, sizeof seed);
  std::srand(seed);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);  // if it fails, there can be fewer sockets
  }
}

/// What libzmq opens for a context; without them it would abort the process.
constexpr std::size_t descriptors_a_context = 8;

/// libzmq starts two threads, and aborts the process if it cannot: so two are started here first.
void require_threads() {
  std::latch all(2);
  std::vector<std::thread> threads;
  try {
    for (int i = 0; i < 2; ++i) threads.emplace_back([&] { all.arrive_and_wait(); });
  } catch (const std::system_error& error) {
    all.count_down(static_cast<std::ptrdiff_t>(2 - threads.size()));
    for (std::thread& thread : threads) thread.join();
    throw Error(ErrorCode::system,
                std::string("cannot start a thread: ") + error.what() + " (raise the limit of threads or memory)");
  }
  for (std::thread& thread : threads) thread.join();
}

zmq::context_t make_context(bool tune_process) {
  static std::once_flag tuned;
  if (tune_process) std::call_once(tuned, tune);
  refuse_connections_when_few_descriptors_are_left();
  require_descriptors(descriptors_a_context);
  require_threads();
  return {};
}

}  // namespace

Context::Context(bool tune_process) : context_(make_context(tune_process)) {
  // Not more than the descriptors there are: libzmq sizes a table by it (8 bytes a slot).
  context_.set(zmq::ctxopt::max_sockets, static_cast<int>(std::min<std::size_t>(descriptor_limit(), 65535)));
  context_.set(zmq::ctxopt::blocky, false);                     // sockets linger only as long as each of them says
  const zmq::socket_t first(context_, zmq::socket_type::pair);  // this starts its threads
}

}  // namespace galena::net
