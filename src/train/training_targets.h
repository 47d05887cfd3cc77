// Which clicks and users a stage trains on, from its settings.
#pragma once

#include <cstdint>
#include <vector>

#include "data/batches.h"
#include "evaluation/case_evaluation.h"
#include "recommender/recommender.h"

namespace ppr::train {

// The clicks of a task that are targets; of kProfile none, which is not asked.
data::TargetClicks TargetsOf(evaluation::EvaluationTask task);

// How next items are read from an encoder: a bidirectional one would see a click's target among its inputs,
// so each target is a sequence of its own.
inline data::Reading NextItemReading(const recommender::Recommender& recommender) {
  return recommender.packing().mask_at_end ? data::Reading::kEachTarget : data::Reading::kEveryClick;
}

}  // namespace ppr::train
