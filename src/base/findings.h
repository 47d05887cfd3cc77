// What is wrong with settings, collected so that a person sees all of it at once.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/text_format.h"

namespace ppr {

// Collects problems, one a line: "name: expected ..., found ...".
class Findings {
 public:
  void Expect(bool ok, const std::string& name, const std::string& expected, const std::string& found) {
    if (!ok) problems_.push_back(name + ": expected " + expected + ", found " + found);
  }
  void AtLeast(const std::string& name, int64_t value, int64_t least) {
    Expect(value >= least, name, "at least " + std::to_string(least), std::to_string(value));
  }
  // A count that fits 31 bits, so that products of two never overflow.
  void Count(const std::string& name, int64_t value, int64_t least) {
    constexpr int64_t kMost = (int64_t{1} << 31) - 1;
    Expect(value >= least && value <= kMost, name,
           value > kMost ? "at most " + std::to_string(kMost) : "at least " + std::to_string(least),
           std::to_string(value));
  }
  void Positive(const std::string& name, double value) {
    Expect(std::isfinite(value) && value > 0, name, "a positive number", Format("%g", value));
  }
  void Share(const std::string& name, double value) {
    Expect(value >= 0 && value < 1, name, "a share in [0, 1)", Format("%g", value));
  }
  void Given(const std::string& name, const std::string& value) {
    if (value.empty()) problems_.push_back(name + ": expected a path, found nothing");
  }
  void Append(const std::vector<std::string>& more) {
    problems_.insert(problems_.end(), more.begin(), more.end());
  }
  std::vector<std::string> Take() { return std::move(problems_); }

 private:
  std::vector<std::string> problems_;
};

}  // namespace ppr
