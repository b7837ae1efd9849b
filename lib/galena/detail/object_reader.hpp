// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include <msgpack.hpp>

#include "galena/export.hpp"

namespace galena::detail {

/// How deep values from a peer may be nested.
inline constexpr int max_msgpack_depth = 32;

/// Reads the bytes of exactly one MessagePack value, from whoever sent them, as what msgpack-cxx converts to C++ types.
/// Strings and binaries refer to `bytes`; the rest lies in memory that the thread keeps, until it reads the next value.
/// (msgpack::unpack() asks for that memory anew, three times a value, which costs more than all else.) Null if that is
/// not one value, or nested too deeply.
GALENA_API const msgpack::object* read_object(std::string_view bytes);

}  // namespace galena::detail
