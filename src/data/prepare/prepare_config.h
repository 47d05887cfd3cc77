// How problems of PrepareConfig are collected, and the part of them that is about the layout of raw files.
#pragma once

#include <string>
#include <vector>

#include "data/prepare/prepare.h"

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

void CheckLayout(const PrepareConfig& config, ProblemList* list);

}  // namespace ppr::data
