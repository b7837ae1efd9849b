// SPDX-License-Identifier: Apache-2.0
// PackReader and PackWriter: what is read is written and read again as the same; a failed read leaves the reader where
// it is; skip() steps over exactly what another reader takes for a value.
#include "galena/base/pack.hpp"

#include "claim.hpp"
#include "galena/detail/object_reader.hpp"
#include "script.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

/// Reads one item; if there is one, it must survive being written, and if not, the reader must not have moved.
template <class Read, class Write>
void check_item(PackReader reader, Read read, Write write) {
  const std::string_view before = reader.rest();
  const auto value = read(reader);
  if (!value) return claim(reader.rest().data() == before.data(), "a failed read leaves the reader where it is");
  claim(reader.rest().size() < before.size(), "what was read took a byte at least");
  PackWriter writer;
  write(writer, *value);
  claim(writer.bytes().size() <= before.size() - reader.rest().size(), "the writer packs as short as anybody");
  PackReader again(writer.bytes());
  claim(read(again) == value && again.at_end(), "what was written is read as the same");
}

void check_items(const PackReader& reader) {
  check_item(
      reader, [](PackReader& r) { return r.array(); }, [](PackWriter& w, std::uint32_t v) { w.array(v); });
  check_item(
      reader, [](PackReader& r) { return r.map(); }, [](PackWriter& w, std::uint32_t v) { w.map(v); });
  check_item(
      reader, [](PackReader& r) { return r.uint(); }, [](PackWriter& w, std::uint64_t v) { w.uint(v); });
  check_item(
      reader, [](PackReader& r) { return r.str(); }, [](PackWriter& w, std::string_view v) { w.str(v); });
  check_item(
      reader, [](PackReader& r) { return r.bin(); }, [](PackWriter& w, std::string_view v) { w.bin(v); });
  check_item(
      reader, [](PackReader& r) { return r.id(); }, [](PackWriter& w, const Id& v) { w.id(v); });
  check_item(
      reader, [](PackReader& r) { return r.boolean(); }, [](PackWriter& w, bool v) { w.boolean(v); });
  PackReader ext = reader;
  if (const auto value = ext.ext()) {
    claim(value->body.data() + value->body.size() == ext.rest().data(), "an extension ends where its body does");
  } else {
    claim(ext.rest().data() == reader.rest().data(), "a failed read of an extension leaves the reader where it is");
  }
}

}  // namespace

void run(std::string_view bytes) {
  PackReader reader(bytes);
  bool whole = false;  // what was skipped first is all there is
  while (!reader.at_end()) {
    check_items(reader);
    const std::string_view before = reader.rest();
    if (!reader.skip()) {
      claim(reader.rest().data() == before.data(), "a failed skip leaves the reader where it is");
      break;
    }
    const std::string_view value = before.substr(0, before.size() - reader.rest().size());
    claim(detail::read_object(value) != nullptr, "what is skipped is one value to the other reader");
    whole = value.size() == bytes.size();
  }
  PackReader first(bytes);
  if (detail::read_object(bytes) != nullptr && !whole) {
    claim(!first.skip(), "only what is nested too deeply for skip() is a value to the other reader alone");
  }
}

}  // namespace galena::fuzz
