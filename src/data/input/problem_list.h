// What is wrong with the settings of `ppr prepare`, collected so that a person sees all of it at once.
#pragma once

#include <string>
#include <vector>

namespace ppr::data {

class ProblemList {
 public:
  void Require(bool holds, const std::string& problem) {
    if (!holds) problems.push_back(problem);
  }
  // "<flag>: expected <expected>, found <found>".
  template <typename Number>
  void Expect(bool holds, const char* flag, const char* expected, Number found) {
    Require(holds, std::string(flag) + ": expected " + expected + ", found " + std::to_string(found));
  }
  std::vector<std::string> problems;
};

}  // namespace ppr::data
