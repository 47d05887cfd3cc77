#include "train/training_targets.h"

#include "base/errors.h"

namespace ppr::train {

data::TargetClicks TargetsOf(evaluation::EvaluationTask task) {
  switch (task) {
    case evaluation::EvaluationTask::kFewShot:
      return data::TargetClicks::kAfterFirst;
    case evaluation::EvaluationTask::kZeroShot:
      return data::TargetClicks::kFirst;
    case evaluation::EvaluationTask::kJoint:
      return data::TargetClicks::kAll;
    case evaluation::EvaluationTask::kProfile:
      break;
  }
  throw BugError("profile prediction has no target clicks");
}

}  // namespace ppr::train
