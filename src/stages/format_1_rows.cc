#include "stages/format_1_rows.h"

#include "optim/adam.h"

namespace ppr::stages {

void CatchUpFormat1Rows(const StoredRun& run, recommender::ShardedModel& model) {
  if (!run.checkpoint.Holds("items/last_step")) return;  // the table was frozen
  const at::Tensor& rows = model.table().rows;
  optim::RowAdam adam(run.model.adam, run.model.learning_rate, rows.size(0), rows.size(1));
  checkpoint::TrainingState state;
  model.AppendState(&state);
  adam.AppendState(&state);
  checkpoint::RestoreState(model.communicator(), run.checkpoint, state, checkpoint::Reading::kModel);
  adam.CatchUpAll(rows, run.checkpoint.manifest.step);
}

}  // namespace ppr::stages
