// Rows of checkpoints of format 1, which hold each row as of its last step.
#pragma once

#include "recommender/sharded_model.h"
#include "stages/stored_recommender.h"

namespace ppr::stages {

// Collective. Brings the rows of `model`, as `run` stores them, to the step of the checkpoint; needs the
// moments and the settings of Adam that they were trained with. Format 2 stores rows that need nothing of
// the kind.
void CatchUpFormat1Rows(const StoredRun& run, recommender::ShardedModel& model);

}  // namespace ppr::stages
