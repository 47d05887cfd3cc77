#include "experiment/time_left.h"

#include <algorithm>

#include "base/text_format.h"

namespace ppr::experiment {
namespace {

std::string Duration(double seconds) {
  if (seconds < 90) return Format("%.0f s", seconds);
  if (seconds < 90 * 60) return Format("%.0f min", seconds / 60);
  return Format("%.1f h", seconds / 3600);
}

}  // namespace

void TimeLeft::AddComplete(StageKind kind, double seconds) {
  OfKind& of_kind = kinds_[static_cast<size_t>(kind)];
  of_kind.seconds += seconds;
  ++of_kind.complete;
}

void TimeLeft::AddLeft(StageKind kind, double age) { kinds_[static_cast<size_t>(kind)].ages.push_back(age); }

std::string TimeLeft::Text(int64_t parallel) const {
  double sum = 0, longest = 0;
  int64_t left = 0;
  bool known = true;
  for (const OfKind& kind : kinds_) {
    if (kind.ages.empty()) continue;
    known = known && kind.complete > 0;
    if (kind.complete == 0) continue;
    const double mean = kind.seconds / static_cast<double>(kind.complete);
    for (const double age : kind.ages) {
      const double rest = std::max(0.0, mean - age);
      sum += rest;
      longest = std::max(longest, rest);
    }
    left += static_cast<int64_t>(kind.ages.size());
  }
  if (left == 0) return "";
  // No stage is shared out, however many could run at a time.
  const double seconds = std::max(longest, sum / static_cast<double>(std::min(parallel, left)));
  return (known ? ", about " : ", at least ") + Duration(seconds) + " left";
}

}  // namespace ppr::experiment
