// SPDX-License-Identifier: Apache-2.0
// Entries of the name service: what is read and written again reads as the same.
#include "galena/names/entry_pack.hpp"

#include "claim.hpp"
#include "galena/names/limits.hpp"
#include "target.hpp"

namespace galena::fuzz {

void run(std::string_view bytes) {
  PackReader reader(bytes);
  const auto entry = names::read_entry(reader);
  if (!entry) return;
  PackWriter writer;
  names::write(writer, *entry);
  PackReader back(writer.bytes());
  const auto again = names::read_entry(back);
  claim(again && back.at_end(), "what was read is read again");
  claim(again->token == entry->token && again->age == entry->age, "it has the same token and age");
  PackWriter twice;
  names::write(twice, *again);
  claim(twice.bytes() == writer.bytes(), "what was read is read again as the same");
  const names::Limits limits;
  claim(limits.problem(again->registration) == limits.problem(entry->registration), "it meets the same limits");
}

}  // namespace galena::fuzz
