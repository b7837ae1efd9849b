// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "galena/names/message.hpp"

namespace galena::names {

/// Nodes move here from another name service, one after the other, and each registers its names again. Until they have,
/// the answer "nobody has this name" may be wrong, so questions that would be answered so are deferred.
class Migration {
 public:
  struct Options {
    Id self;                                          ///< the service that the nodes move to
    Duration grace = std::chrono::milliseconds(200);  ///< a question is deferred for so long if no name is missing
    Duration longest = std::chrono::seconds(2);       ///< and for so long while nodes have names to register
    std::size_t questions = 16'384;                   ///< deferred at a time
    std::size_t services = 1024;                      ///< that nodes have come from
  };
  struct Question {
    Time asked;
    std::string peer;
    bool delimited = false;
    Message message;
  };

  explicit Migration(Options options) : options_(options) {}

  /// A node has come from service `from`, where it had `names` names. The first node from a service begins a migration.
  void handle_hello(const std::string& peer, const Id& from, std::uint64_t names, Time now);
  /// The node has registered one of its names.
  void handle_register(const std::string& peer);
  void handle_gone(const std::string& peer);
  bool is_under_way(Time now) const;

  /// Keeps the question until poll_question(). False if too many are kept already. Requires: is_under_way().
  bool defer(Question question);
  /// The stage does not want the name any more: its deferred registration is forgotten.
  void erase_registration(const std::string& peer, const std::string& name, const Id& stage);
  /// The next question that must be answered now, whatever is known.
  std::optional<Question> poll_question(Time now);
  Time poll_timeout() const { return questions_.empty() ? never : due(questions_.front()); }
  /// Forgets everything and hands out the questions that were not answered.
  std::deque<Question> clear();

 private:
  Time due(const Question& question) const {
    return question.asked + (missing_ == 0 ? options_.grace : options_.longest);
  }
  void expect(const std::string& peer, std::uint64_t names);

  Options options_;
  Time grace_until_ = Time::min();
  Time longest_until_ = Time::min();
  std::unordered_map<std::string, std::uint64_t> missing_of_;  // names that each peer has not yet registered, not zero
  std::uint64_t missing_ = 0;                                  // the sum
  std::set<Id> services_;                                      // that nodes have come from
  std::deque<Question> questions_;                             // in order of arrival
};

}  // namespace galena::names
