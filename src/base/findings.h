// What is wrong with settings, collected so that a person sees all of it at once.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace ppr {

// One finding a line: "name: expected ..., found ...". `name` is that of the flag.
class Findings {
 public:
  void Expect(bool ok, const std::string& name, const std::string& expected, const std::string& found) {
    if (!ok) Append({name + ": expected " + expected + ", found " + (found.empty() ? "nothing" : found)});
  }
  // What was found already is not said twice.
  void Append(const std::vector<std::string>& more) {
    for (const std::string& problem : more) {
      if (std::find(problems_.begin(), problems_.end(), problem) == problems_.end())
        problems_.push_back(problem);
    }
  }
  bool empty() const { return problems_.empty(); }
  std::vector<std::string> Take() { return std::move(problems_); }

 private:
  std::vector<std::string> problems_;
};

}  // namespace ppr
