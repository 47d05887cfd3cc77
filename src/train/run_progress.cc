#include "train/run_progress.h"

#include "settings/stored_settings.h"

namespace ppr::train {
namespace {

settings::Settings FactsOf(RunProgress& progress) {
  settings::Settings facts;
  facts.Section("progress");
  facts.AddFact(&progress.step, "step");
  facts.AddFact(&progress.epoch, "epoch");
  facts.AddFact(&progress.batch, "batch");
  facts.AddFact(&progress.best_metric, "best_metric");
  facts.AddFact(&progress.best_step, "best_step");
  facts.AddFact(&progress.evaluated_step, "evaluated_step");
  facts.AddFact(&progress.stopped_early, "stopped_early");
  return facts;
}

}  // namespace

std::string ProgressJson(const RunProgress& progress) {
  RunProgress copy = progress;
  return settings::StoredJson(FactsOf(copy));
}

RunProgress ParseProgress(const std::string& json, const std::string& where) {
  RunProgress progress;
  settings::ReadStored(json, where, FactsOf(progress));
  return progress;
}

}  // namespace ppr::train
