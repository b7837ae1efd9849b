// SPDX-License-Identifier: Apache-2.0
#include "galena/position_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "galena/error.hpp"

namespace galena {
namespace {

constexpr std::string_view first_line = "galena positions 1";

Error system_error(const std::string& what, const std::string& path) {
  return {ErrorCode::system, fmt::format("{} '{}': {}", what, path, std::strerror(errno))};
}

/// Names may have any byte; a tab, a newline and a percent sign are written as %xx.
std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\t' || c == '\n' || c == '%') {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ec == std::errc()) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// Writes all of it, or throws. The file is new.
void write_file(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) throw system_error("cannot write positions to", path);
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t now = write(file, text.data() + written, text.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) {
      const Error error = system_error("cannot write positions to", path);
      close(file);
      unlink(path.c_str());
      throw error;
    }
    written += static_cast<std::size_t>(now);
  }
  if (close(file) != 0) throw system_error("cannot write positions to", path);
}

}  // namespace

FilePositions::FilePositions(std::string path) : path_(std::move(path)) {
  const std::size_t slash = path_.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  if (access(directory.c_str(), W_OK) != 0) throw system_error("positions cannot be kept in", directory);
  std::ifstream file(path_);
  if (!file) {
    if (errno == ENOENT) return;
    throw system_error("cannot read positions from", path_);
  }
  if (file.peek() == std::ifstream::traits_type::eof()) return;  // a power cut may have left it so
  std::string line;
  const auto invalid = [&] {
    return Error(ErrorCode::invalid, fmt::format("'{}' is no file of positions; give another, or remove it", path_));
  };
  if (!std::getline(file, line) || line != first_line) throw invalid();
  while (std::getline(file, line)) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) throw invalid();
    positions_[unescape(line.substr(0, tab))] = line.substr(tab + 1);
  }
}

std::optional<std::string> FilePositions::load(const std::string& subscription) {
  const std::lock_guard lock(mutex_);
  const auto it = positions_.find(subscription);
  return it == positions_.end() ? std::nullopt : std::optional(it->second);
}

void FilePositions::save(const std::string& subscription, const std::string& position) {
  const std::lock_guard lock(mutex_);
  std::string& at = positions_[subscription];
  if (at == position) return;
  const std::string before = std::exchange(at, position);
  std::string text = std::string(first_line) + "\n";
  for (const auto& [name, where] : positions_) text += escape(name) + "\t" + where + "\n";
  const std::string beside = path_ + ".new";
  try {
    write_file(beside, text);
    if (std::rename(beside.c_str(), path_.c_str()) != 0) throw system_error("cannot replace", path_);
  } catch (...) {
    at = before;
    throw;
  }
}

}  // namespace galena
