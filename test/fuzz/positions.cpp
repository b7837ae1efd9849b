// SPDX-License-Identifier: Apache-2.0
// Files of positions: whatever the file says, it is refused or can be written again, and what is saved is loaded. The
// text of a position that is read is the one that was written.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>

#include "claim.hpp"
#include "galena/error.hpp"
#include "galena/position_store.hpp"
#include "galena/stage/position_text.hpp"
#include "script.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

/// A folder that is removed in the end.
class Folder {
 public:
  Folder() { claim(mkdtemp(path_.data()) != nullptr, "a folder can be made"); }
  ~Folder() {
    unlink(file().c_str());
    rmdir(path_.c_str());
  }
  std::string file() const { return path_ + "/positions"; }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "galena-fuzz-XXXXXX";
};

void write_file(const std::string& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  claim(file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "a file is written");
  close(file);
}

void check_position(const std::string& text) {
  const auto position = detail::parse_position(text);
  if (position) claim(detail::to_text(*position) == text, "what is read as a position is the text of one");
}

void check_file(Script& script) {
  static const Folder folder;
  const std::string path = folder.file();
  std::map<std::string, std::string> saved;
  for (std::size_t count = 1 + script.below(4); count > 0; --count) {
    std::string name(script.text());
    std::string position(script.text());
    if (position.find('\n') == std::string::npos) saved.emplace(std::move(name), std::move(position));
  }
  write_file(path, (script.flag() ? "galena positions 1\n" : "") + std::string(view(script.frame())));
  try {
    FilePositions positions(path, Duration::max());
    for (const auto& [name, position] : saved) {
      if (const auto there = positions.load(name))
        claim(there->find('\n') == std::string::npos, "a position is a line");
      positions.save(name, position);
    }
  } catch (const Error& error) {
    claim(error.code() == ErrorCode::invalid, "what is no file of positions is refused as such");
    return;
  }
  FilePositions again(path, Duration::max());
  for (const auto& [name, position] : saved) claim(again.load(name) == position, "what was saved is loaded");
}

}  // namespace

void run(std::string_view bytes) {
  Script script(bytes);
  if (script.flag()) {
    check_file(script);
  } else {
    check_position(std::string(view(script.frame())));
  }
}

}  // namespace galena::fuzz
