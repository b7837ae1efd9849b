// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace galena {

/// What a program may want to tell apart about a failed set-up or call. The text says what to do about it.
enum class ErrorCode {
  invalid,      ///< an argument or option makes no sense
  name_taken,   ///< the name has a holder that answered when it was challenged
  unreachable,  ///< no name service, or a peer that cannot be reached
  timeout,      ///< the deadline of the call passed
  refused,      ///< the other side answered no
  unknown,      ///< an event was sent and not answered: it may have been taken or not
  stopped,      ///< the stage, or its Node, was told to stop while the call waited
  superseded,   ///< another consumer has taken up the identity
  system,       ///< the operating system refused (bind, descriptors, ...)
  handler,      ///< a handler threw, or a message did not unpack and `on_mismatch` says stop
};

/// Thrown by constructors and blocking calls, on the caller's thread. Flow (full, not found yet, peer gone) is never
/// an exception: it is an answer or a state.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Thrown by a handler that has had enough: the event that it was given counts as not handled (the handler must have
/// done nothing of it), so the next consumer of the identity gets it, and the stage takes no more. That is no failure:
/// its wait() returns.
struct Enough {};

}  // namespace galena
