// SPDX-License-Identifier: Apache-2.0
#include "galena/names/migration.hpp"

#include <utility>

#include "galena/base/assert.hpp"

namespace galena::names {

void Migration::handle_hello(const std::string& peer, const Id& from, std::uint64_t names, Time now) {
  if (!from || from == options_.self) return;
  if (services_.size() < options_.services && services_.insert(from).second) {
    grace_until_ = now + options_.grace;
    longest_until_ = now + options_.longest;
  }
  if (now < longest_until_) expect(peer, names);
}

void Migration::handle_register(const std::string& peer) {
  if (const auto it = missing_of_.find(peer); it != missing_of_.end()) expect(peer, it->second - 1);
}

void Migration::handle_gone(const std::string& peer) {
  expect(peer, 0);
  std::erase_if(questions_, [&](const Question& question) { return question.peer == peer; });
}

void Migration::expect(const std::string& peer, std::uint64_t names) {
  const auto it = missing_of_.try_emplace(peer).first;
  missing_ = missing_ - it->second + names;
  it->second = names;
  if (names == 0) missing_of_.erase(it);
}

bool Migration::is_under_way(Time now) const { return now < grace_until_ || (missing_ > 0 && now < longest_until_); }

bool Migration::defer(Question question) {
  GALENA_ASSERT(is_under_way(question.asked), "no migration to wait for");
  if (questions_.size() >= options_.questions) return false;
  questions_.push_back(std::move(question));
  return true;
}

void Migration::erase_registration(const std::string& peer, const std::string& name, const Id& stage) {
  std::erase_if(questions_, [&](const Question& question) {
    if (question.peer != peer || question.message.verb != Verb::register_name) return false;
    const Registration& wanted = question.message.entry->registration;
    return wanted.name == name && wanted.stage == stage;
  });
}

std::optional<Migration::Question> Migration::poll_question(Time now) {
  if (questions_.empty() || due(questions_.front()) > now) return std::nullopt;
  Question question = std::move(questions_.front());
  questions_.pop_front();
  return question;
}

std::deque<Migration::Question> Migration::clear() {
  std::deque<Question> unanswered = std::move(questions_);
  *this = Migration(options_);
  return unanswered;
}

}  // namespace galena::names
