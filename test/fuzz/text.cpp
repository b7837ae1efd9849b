// SPDX-License-Identifier: Apache-2.0
// What people type and pipe: topics, names, escapes and records. What `sub` prints, `pub` reads as the same event.
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>

#include "claim.hpp"
#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/rename.hpp"
#include "cli/topics.hpp"
#include "io/event_text.hpp"
#include "io/lines.hpp"
#include "io/utf8.hpp"
#include "script.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

/// Calls what may throw UsageError, and nothing else.
template <class Parse>
auto accepted(Parse parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const cli::UsageError&) {
    return std::nullopt;
  }
}

/// The same as it could be typed: every byte by its number.
std::string typed(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text.append("\\x").push_back(digits[value >> 4U]);
    text.push_back(digits[value & 15U]);
  }
  return text;
}

void check_typed(std::string_view text) {
  claim(cli::unescaped(typed(text)) == text, "any byte can be typed");
  if (const auto topic = accepted([&] { return cli::parse_topic(text); })) {
    const auto again = cli::parse_topic(typed(topic->text) + (topic->is_prefix ? "*" : ""));
    claim(again == *topic, "any topic can be typed");
  }
  if (const auto names = accepted([&] { return cli::parse_names(text); })) {
    claim(!names->empty(), "a list of names has one");
    std::string list;
    for (const std::string& name : *names) list += (list.empty() ? "" : ",") + typed(name);
    claim(cli::parse_names(list) == *names, "any names can be typed");
  }
  if (const auto from = accepted([&] { return cli::parse_from(text); })) {
    std::string list = typed(from->producer);
    for (std::size_t i = 0; i < from->topics.size(); ++i) {
      const Topic& topic = from->topics[i];
      list += (i == 0 ? ":" : ",") + typed(topic.text) + (topic.is_prefix ? "*" : "");
    }
    const bool empty_topic = std::any_of(from->topics.begin(), from->topics.end(),
                                         [](const Topic& topic) { return topic.text.empty() && !topic.is_prefix; });
    if (!empty_topic) {
      const auto again = cli::parse_from(list);
      claim(again.producer == from->producer && again.topics == from->topics, "any producer and topics can be typed");
    }
    claim(cli::subscriptions_to({*from, *from}).size() == 1, "a producer named twice has one subscription");
  }
  if (auto rule = accepted([&] { return cli::parse_rename(text); })) {
    const std::string topic = rule->from.text + (rule->from.is_prefix ? "rest" : "");
    const std::string renamed = rule->to + (rule->from.is_prefix ? "rest" : "");
    cli::Renamer rename({*rule});
    claim(rename(topic) == renamed, "a topic is renamed as the rule says");
  }
  (void)cli::wildcard_hint(text);
}

void check_escapes(std::string_view bytes) {
  for (const char record_end : {'\n', '\0'}) {
    for (const bool visible : {false, true}) {
      std::string text;
      cli::append_escaped(text, bytes, {record_end, visible});
      claim(text.find(record_end) == std::string::npos, "a field has no end of a record in it");
      claim(text.find('\t') == std::string::npos, "a field has no tab in it");
      std::string again;
      cli::append_unescaped(again, text);
      claim(again == bytes, "what was escaped is read as the same");
    }
  }
  const std::string shown = cli::printable(bytes);
  claim(cli::is_utf8(shown), "what people are shown is text");
  claim(cli::printable(shown) == shown, "what people are shown has nothing to hide");
}

struct Origin final : EventOrigin {
  std::string name;
  std::string_view producer() const override { return name; }
  Id stream() const override { return {}; }
  std::optional<std::uint64_t> position() const override { return 7; }
};

void check_event(EventView event, Script& script) {
  Origin origin;
  origin.name = script.text();
  if (script.flag()) event.origin = &origin;
  event.repeated = script.flag();
  const bool terminal = script.flag();
  const char* const ends[] = {"\n", "\0"};
  const std::string delimiter(ends[script.below(2)], 1);
  for (const auto format : {cli::EventFormat::text, cli::EventFormat::json}) {
    std::string out;
    cli::append_event(out, event, {.format = format, .delimiter = delimiter, .terminal = terminal});
    claim(out.find(delimiter) == out.size() - 1, "an event is one record");
    cli::EventReader reader(format, std::nullopt);
    const EventView again = reader.read(std::string_view(out).substr(0, out.size() - 1));
    claim(again.topic == event.topic, "a topic that was printed is read as the same");
    // As text a value is JSON.
    const bool is_value = event.encoding == Encoding::msgpack && format == cli::EventFormat::text;
    if (!is_value) {
      claim(again.payload == event.payload && again.encoding == event.encoding, "a message is read as it was printed");
    }
  }
}

/// A record that somebody else wrote: it is refused, or is an event that can be printed and read.
void check_record(std::string_view record, Script& script) {
  const auto format = static_cast<cli::EventFormat>(script.below(3));
  cli::EventReader reader(format, script.flag() ? std::optional<std::string>("topic") : std::nullopt);
  try {
    check_event(reader.read(record), script);
  } catch (const Error& error) {
    claim(error.code() == ErrorCode::invalid, "what is no record is refused as such");
  }
}

/// Takes no signals from the fuzzer.
const cli::Stop& stop() {
  static const cli::Stop* const stop = [] {
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    const auto* const made = new cli::Stop;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return made;
  }();
  return *stop;
}

void check_lines(std::string_view bytes, std::string delimiter) {
  if (delimiter.empty()) delimiter = "\n";
  const int file = memfd_create("lines", MFD_CLOEXEC);
  claim(file >= 0 && write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memory is a file");
  lseek(file, 0, SEEK_SET);
  cli::LineReader reader(file, stop(), delimiter);
  std::string_view rest = bytes;
  while (const auto line = reader.next()) {
    const std::size_t end = rest.find(delimiter);
    claim(!line->too_long && line->bytes == rest.substr(0, end), "a line ends where its delimiter is");
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + delimiter.size());
  }
  claim(rest.empty(), "all lines are read");
  close(file);
}

}  // namespace

void run(std::string_view bytes) {
  Script script(bytes);
  switch (script.below(5)) {
    case 0:
      return check_typed(view(script.frame()));
    case 1:
      return check_escapes(view(script.frame()));
    case 2: {
      const auto topic = script.frame();
      const auto payload = script.frame();
      return check_event({view(topic), view(payload), script.flag() ? Encoding::msgpack : Encoding::raw}, script);
    }
    case 3:
      return check_record(view(script.frame()), script);
    default: {
      const std::string delimiter(script.text());
      return check_lines(view(script.frame()), delimiter);
    }
  }
}

}  // namespace galena::fuzz
