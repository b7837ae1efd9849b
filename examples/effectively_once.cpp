// SPDX-License-Identifier: Apache-2.0
// Adds up numbers, each exactly once, however often this program is killed and started again: the sum and the position
// are one file, replaced as a whole. Try it with `seq 1000000 | build/apps/galena pub numbers --topic n`.
#include <cstdio>
#include <fstream>
#include <galena/galena.hpp>
#include <iostream>
#include <memory>

/// What the handler has added, and how far that goes.
class Sum : public galena::PositionStore {
 public:
  Sum() {
    std::getline(std::ifstream("sum.txt") >> saved_ >> std::ws, position_);
    sum_ = saved_;
  }

  void add(long long number) { sum_ += number; }

  std::optional<std::string> load(const std::string&) override {
    return position_.empty() ? std::nullopt : std::optional(position_);
  }
  void save(const std::string&, const std::string& position) override {
    std::ofstream file("sum.txt.new");
    file << sum_ << "\n" << position << std::endl;
    if (!file || std::rename("sum.txt.new", "sum.txt") != 0) throw std::runtime_error("sum.txt cannot be written");
    saved_ = sum_;
    std::cout << sum_ << std::endl;
  }
  /// The handler has thrown: what it added since then is void, and those numbers come again.
  bool discard() override {
    sum_ = saved_;
    return true;
  }

 private:
  long long sum_ = 0;
  long long saved_ = 0;
  std::string position_;
};

int main() {
  galena::Node node;
  const auto sum = std::make_shared<Sum>();
  const auto add = [sum](std::string_view, const std::string& number) { sum->add(std::stoll(number)); };
  galena::Consumer consumer{
      node, add, {.subscriptions = {{galena::global("numbers")}}, .identity = "sum", .positions = sum}};
  node.run();
}
