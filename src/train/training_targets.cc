#include "train/training_targets.h"

#include "base/errors.h"

namespace ppr::train {

data::TargetClicks TargetsOf(EvaluationTask task) {
  switch (task) {
    case EvaluationTask::kFewShot:
      return data::TargetClicks::kAfterFirst;
    case EvaluationTask::kZeroShot:
      return data::TargetClicks::kFirst;
    case EvaluationTask::kJoint:
      return data::TargetClicks::kAll;
    case EvaluationTask::kProfile:
      break;
  }
  throw BugError("profile prediction has no target clicks");
}

}  // namespace ppr::train
