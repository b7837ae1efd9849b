// SPDX-License-Identifier: Apache-2.0
#include "galena/core/batch_builder.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"

namespace galena::core::test {
namespace {

Provenance made_from(std::uint64_t event, std::uint64_t part = 0, std::uint64_t from = 10, std::uint8_t stream = 5) {
  return {false, {{id(stream), from, event}, part}};
}

TEST_CASE("a batch goes on with the next part of the same event, or the first part of a later one, and nothing else") {
  BatchBuilder batch(0);
  CHECK(batch.admits({}));  // the first one may be anything
  CHECK(batch.admits(made_from(7, 3)));
  batch.add({"t", "1"}, made_from(4, 1));
  CHECK(batch.admits(made_from(4, 2)));
  CHECK(batch.admits(made_from(5, 0)));
  CHECK(batch.admits(made_from(90, 0)));
  CHECK_FALSE(batch.admits(made_from(4, 1)));
  CHECK_FALSE(batch.admits(made_from(4, 3)));
  CHECK_FALSE(batch.admits(made_from(5, 1)));
  CHECK_FALSE(batch.admits(made_from(3, 0)));  // a step does not go backwards
  CHECK_FALSE(batch.admits(made_from(5, 0, 11)));
  CHECK_FALSE(batch.admits(made_from(5, 0, 10, 6)));
  CHECK_FALSE(batch.admits({}));
  Provenance repeated = made_from(5);
  repeated.repeated = true;
  CHECK_FALSE(batch.admits(repeated));
}

TEST_CASE("what is put together is a batch with the origin of its first event, and the steps from there") {
  BatchBuilder batch(3);
  batch.add({"t", "1"}, made_from(4, 1));
  batch.add({"t", "2"}, made_from(4, 2));
  batch.add({"t", "3"}, made_from(200, 0));
  CHECK(batch.count() == 3);
  const std::string bytes = batch.finish(20, 30, flag_recut);
  std::string_view rest = bytes;
  const auto header = read_batch_header(rest);
  REQUIRE(header);
  CHECK(*header ==
        BatchHeader{static_cast<std::uint32_t>(rest.size()), 3, 20, 30, flag_recut, made_from(4, 1).origin, 3});
  EventReader reader(rest, true);
  EventView event;
  for (const std::uint32_t step : {0U, 0U, 196U}) {
    REQUIRE(reader.next(event));
    CHECK(reader.step() == step);
  }
  CHECK(reader.rest().empty());
}

TEST_CASE("events that are copied as they are encoded make the same batch as before, marked if they are repeated") {
  const std::string source = batch(0, 2, {{"t", "1"}, {"u", "2"}});
  BatchBuilder copy(0);
  copy.copy(std::string_view(source).substr(batch_header_bytes), 2, {});
  CHECK(copy.finish(0, 2, 0) == source);
  BatchBuilder again(0);
  again.copy(std::string_view(source).substr(batch_header_bytes), 2, {true, {}});
  CHECK(again.finish(0, 2, 0) == batch(0, 2, {{"t", "1"}, {"u", "2"}}, flag_repeated));
}

}  // namespace
}  // namespace galena::core::test
