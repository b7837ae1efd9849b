// SPDX-License-Identifier: Apache-2.0
#include "galena/position_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
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
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// Throws unless it is a regular file, or nothing yet.
void check_kind(const std::string& path) {
  struct stat about {};
  if (lstat(path.c_str(), &about) != 0 || S_ISREG(about.st_mode)) return;
  const char* const kind = S_ISDIR(about.st_mode) ? "a directory" : S_ISLNK(about.st_mode) ? "a link" : "no plain file";
  throw Error(ErrorCode::invalid, fmt::format("positions are kept in a file, and '{}' is {}", path, kind));
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A new file, which its owner alone may read. False, with errno, if not all of it could be written.
bool write_file(const std::string& path, std::string_view text, bool flush) {
  unlink(path.c_str());  // of a process that was killed in between
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return false;
  bool done = write_all(file, text) && (!flush || fsync(file) == 0);
  const int why = errno;
  done = close(file) == 0 && done;
  if (!done) {
    unlink(path.c_str());
    errno = why;
  }
  return done;
}

}  // namespace

FilePositions::FilePositions(std::string path, Duration flush) : path_(std::move(path)), flush_(flush) {
  check_kind(path_);
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
  const auto it = positions_.find(subscription);
  const auto before = it == positions_.end() ? std::nullopt : std::optional(it->second);
  if (before == position && !failure_) return;
  positions_[subscription] = position;
  std::string text = std::string(first_line) + "\n";
  for (const auto& [name, where] : positions_) text += escape(name) + "\t" + where + "\n";
  try {
    write(text, Clock::now());
    failure_.reset();
  } catch (const Error& error) {
    if (before) {
      positions_[subscription] = *before;
    } else {
      positions_.erase(subscription);
    }
    failure_ = error;
    throw;
  }
}

void FilePositions::write(const std::string& text, Time now) {
  const std::string beside = path_ + ".new";
  const bool flush = flush_ != Duration::max() && (flushed_ == Time::min() || now - flushed_ >= flush_);
  if (!write_file(beside, text, flush)) throw system_error("cannot write positions to", beside);
  check_kind(path_);
  if (std::rename(beside.c_str(), path_.c_str()) != 0) throw system_error("cannot replace", path_);
  if (flush) flushed_ = now;
}

void FilePositions::check() {
  const std::lock_guard lock(mutex_);
  if (failure_) throw Error(*failure_);
}

}  // namespace galena
