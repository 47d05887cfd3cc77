// ppr evaluate: exact ranking metrics of a checkpoint, or of a popularity baseline.
#include <gflags/gflags.h>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/gflags_bridge.h"
#include "cli/launch_flags.h"
#include "stages/setting_names.h"
#include "stages/stages.h"

DECLARE_string(checkpoint);
DECLARE_string(dataset);
DECLARE_string(output);
DECLARE_string(source_dataset);
DECLARE_int64(shots);
DEFINE_string(baseline, "none",
              "Instead of a checkpoint: popularity (clicks on the item in training) or position_popularity "
              "(clicks on the "
              "item at that position)");
DEFINE_string(part, "auto",
              "Cases to evaluate: auto (cold_test, or test for leave_one_out), warm_dev, cold_dev, "
              "cold_test, validation "
              "or test");
DEFINE_bool(full_catalogue, true, "Also rank against all items, not only against the stored candidates");
DEFINE_int64(batch_cases, 512, "Cases of one forward pass on each rank");

namespace ppr::cli {
namespace {

Job Plan(FlagSet& flags) {
  stages::EvaluateConfig config;
  config.dataset = FLAGS_dataset;
  config.checkpoint = FLAGS_checkpoint;
  config.baseline = Choose(flags, "baseline", stages::NamesOf<stages::Baseline>());
  config.task = Choose(flags, "task", stages::NamesOf<evaluation::EvaluationTask>());
  config.shots = FLAGS_shots;
  config.source_dataset = FLAGS_source_dataset;
  config.part = FLAGS_part;
  config.full_catalogue = FLAGS_full_catalogue;
  config.output = FLAGS_output;
  config.batch_cases = FLAGS_batch_cases;
  config.compute = Choose(flags, "compute", stages::NamesOf<model::ComputePath>());
  flags.AddProblems(config.Problems());
  Job job{.run_folder = config.output, .run = nullptr};
  job.run = [config](dist::Communicator& communicator) {
    return stages::Evaluate(communicator, config).ToText();
  };
  return job;
}

}  // namespace

Command EvaluateCommand() {
  return {.name = "evaluate",
          .summary = "AUC, HIT and NDCG of a checkpoint or of a popularity baseline",
          .usage = "--checkpoint=run_folder --dataset=dataset.h5 [--output=folder] [flags]",
          .topics = {TopicFromGflags("Evaluation", {{"dataset"},
                                                    {"checkpoint"},
                                                    {"baseline"},
                                                    {"task", "joint"},
                                                    {"shots"},
                                                    {"source_dataset"},
                                                    {"part"},
                                                    {"full_catalogue"},
                                                    {"batch_cases"},
                                                    {"output"}}),
                     LaunchTopic(/*trains=*/false)},
          .on_ranks = true,
          .plan = Plan};
}

}  // namespace ppr::cli
