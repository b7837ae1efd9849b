// SPDX-License-Identifier: Apache-2.0
#include "galena/position_store.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "galena/error.hpp"
#include "galena/stage/position_text.hpp"
#include "stage_fixture.hpp"

namespace galena::test {
namespace {

/// A directory of its own, for as long as it lives.
struct TemporaryDirectory {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("galena-test-" + Id::random().hex());
  TemporaryDirectory() { std::filesystem::create_directory(path); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return (path / name).string(); }
};

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("it worked");
  return {};
}

/// Keeps all that it is given.
class Noting final : public PositionStore {
 public:
  std::optional<std::string> load(const std::string&) override { return std::nullopt; }
  void save(const std::string& subscription, const std::string& position) override {
    saved.add(subscription + position);
  }
  Record<std::string> saved;
};

TEST_CASE("a place is saved when the subscription is accepted, before its first event") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = "p"});
  const auto store = std::make_shared<Noting>();
  Keep keep;
  Record<std::string> states;
  const Consumer<Keep> consumer(
      node, keep,
      {.subscriptions = {{"p"}}, .identity = "c", .positions = store, .on_state = [&](const Source&, State state) {
         states.add(std::to_string(store->saved.size()) + std::string(to_string(state)));
       }});
  REQUIRE(states.wait_for(1));
  CHECK(states.all() == std::vector<std::string>{"1connected"});
  CHECK(keep.events->all().empty());
}

TEST_CASE("a file of positions belongs to its owner alone, and nothing else is left beside it") {
  const TemporaryDirectory directory;
  FilePositions positions(directory.file("p"));
  std::ofstream(directory.file("p.new")) << "of a process that was killed";
  positions.save("s", "1");
  positions.save("s", "2");
  CHECK(contents(directory.file("p")) == "galena positions 1\ns\t2\n");
  struct stat about {};
  REQUIRE(stat(directory.file("p").c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  CHECK_FALSE(std::filesystem::exists(directory.file("p.new")));
}

TEST_CASE("positions are refused a directory, a link, and what becomes one later") {
  const TemporaryDirectory directory;
  CHECK(code_of([&] { FilePositions("/tmp"); }) == ErrorCode::invalid);
  std::filesystem::create_symlink("elsewhere", directory.file("link"));
  CHECK(code_of([&] { FilePositions(directory.file("link")); }) == ErrorCode::invalid);
  FilePositions positions(directory.file("p"));
  std::filesystem::create_symlink("elsewhere", directory.file("p"));
  CHECK(code_of([&] { positions.save("s", "1"); }) == ErrorCode::invalid);
  CHECK_FALSE(std::filesystem::exists(directory.file("elsewhere")));
}

TEST_CASE("a file of positions remembers that the last save failed, until one works") {
  const TemporaryDirectory directory;
  const std::string inner = directory.file("inner");
  std::filesystem::create_directory(inner);
  FilePositions positions(inner + "/p", Duration::zero());
  positions.save("s", "1");
  positions.check();
  std::filesystem::remove_all(inner);
  CHECK(code_of([&] { positions.save("s", "2"); }) == ErrorCode::system);
  CHECK(code_of([&] { positions.check(); }) == ErrorCode::system);
  CHECK(positions.load("s") == "1");
  std::filesystem::create_directory(inner);
  positions.save("s", "1");  // also what is in the file no more
  positions.check();
  CHECK(contents(inner + "/p") == "galena positions 1\ns\t1\n");
}

TEST_CASE("a position of no text is one, and what could not be saved is none") {
  const TemporaryDirectory directory;
  const std::string inner = directory.file("inner");
  std::filesystem::create_directory(inner);
  FilePositions positions(inner + "/p");
  positions.save("s", "");
  CHECK(FilePositions(inner + "/p").load("s") == "");
  std::filesystem::remove_all(inner);
  CHECK(code_of([&] { positions.save("another", "1"); }) == ErrorCode::system);
  CHECK_FALSE(positions.load("another"));
}

TEST_CASE("a percent sign that somebody wrote into a file of positions stays one, unless two digits follow") {
  const TemporaryDirectory directory;
  std::ofstream(directory.file("p")) << "galena positions 1\n100%4x%\t1\na%09b\t2\n";
  FilePositions positions(directory.file("p"));
  CHECK(positions.load("100%4x%") == "1");
  CHECK(positions.load("a\tb") == "2");
}

TEST_CASE("the text of a position is read as it was written, and nothing else is") {
  detail::SavedPosition position;
  position.standing.place = {Id::random(), 5, 2};
  position.standing.told.upto = 5;
  position.standing.ended = true;
  position.selection = 0xabc;
  position.epoch = 17;
  const std::string text = detail::to_text(position);
  const auto read = detail::parse_position(text);
  REQUIRE(read);
  CHECK(detail::to_text(*read) == text);
  CHECK(read->standing.place == position.standing.place);
  const std::string stream = position.standing.place.stream.hex();
  for (const std::string& other : {std::string(), stream, text + " ", text + " 1", " " + text,
                                   stream + " -5 2 5 1 0000000000000abc 17", stream + " 5 2 5 7 0000000000000abc 17",
                                   stream + " 5 2 5 1 abc 17", stream + " 05 2 5 1 0000000000000abc 17"}) {
    CHECK_MESSAGE(!detail::parse_position(other), other);
  }
}

}  // namespace
}  // namespace galena::test
