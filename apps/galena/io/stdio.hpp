// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace galena::cli {

/// Opens the descriptors 0 to 2 that the program was started without, so that no file or socket gets their numbers:
/// input that is at its end, output of which every write is an error, messages that nobody reads.
/// Requires: nothing else was opened yet.
void open_missing_descriptors();

/// Whether all that was printed so far has been written.
bool flush_printed();

}  // namespace galena::cli
