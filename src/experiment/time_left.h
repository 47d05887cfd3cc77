// How long the stages that are left will take, roughly: each as long as complete ones of its kind took.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "experiment/stage_plan.h"

namespace ppr::experiment {

class TimeLeft {
 public:
  void AddComplete(StageKind kind, double seconds);
  // A stage that has run for `age` seconds; 0: it waits.
  void AddLeft(StageKind kind, double age = 0);

  // ", about 12 min left" when `parallel` stages run at a time; "at least" while a kind that is left has no
  // complete stage; "" when nothing is known.
  std::string Text(int64_t parallel) const;

 private:
  struct OfKind {
    double seconds = 0;
    int64_t complete = 0;
    std::vector<double> ages;  // of those that are left
  };

  std::array<OfKind, 4> kinds_;
};

}  // namespace ppr::experiment
