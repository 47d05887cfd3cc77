#include "cli/training_flags.h"

#include <gflags/gflags.h>

#include "cli/choice.h"
#include "cli/gflags_bridge.h"
#include "stages/setting_names.h"

DECLARE_bool(resume);

DEFINE_string(dataset, "", "dataset.h5 made by ppr prepare");
DEFINE_string(
    output, "",
    "Folder or file to write: a run folder (pretrain, tune), a folder for metrics.json and cases.tsv "
    "(evaluate; none: print only), dataset.h5 (prepare)");
DEFINE_uint64(seed, 1, "Seed of everything drawn at random");
DEFINE_int64(batch_size, 256, "Sequences of one step, over all ranks");
DEFINE_int64(max_epochs, 200, "Stop after so many passes over the training clicks");
DEFINE_int64(max_steps, 0, "Stop after so many steps; 0: no limit");
DEFINE_string(loss, "bpr",
              "Of items: bpr, bce, or softmax (cross-entropy over the whole catalogue, which needs no "
              "negatives)");
DEFINE_int64(negatives, 1, "Negatives per target, uniform, never an item that the user clicked in training");
DEFINE_string(negative_sharing, "own",
              "own: each target draws its negatives; batch: all targets of a step share them (hundreds are "
              "cheap then), and a user's own clicks among them do not count for that user");
DEFINE_double(learning_rate, 1e-3, "Learning rate; when tuning, of the pre-trained parameters");
DEFINE_int64(warmup_steps, 0, "Steps over which learning rates rise from zero");
DEFINE_double(beta1, 0.9, "Adam: decay of the first moment");
DEFINE_double(beta2, 0.98, "Adam: decay of the second moment");
DEFINE_double(epsilon, 1e-8, "Adam: added to the root of the second moment");
DEFINE_string(
    metric, "ndcg@10",
    "Metric of the validation cases that decides which checkpoint is best: auc, mrr, hit@N or ndcg@N "
    "with N of 5, 10, 20, 50");
DEFINE_int64(patience_steps, 0, "Stop when the metric has not improved for so many steps; 0: never");
DEFINE_int64(evaluate_every_steps, 0,
             "Steps between evaluations, each followed by a checkpoint; 0: once an epoch");
DEFINE_int64(checkpoint_every_steps, 0, "Further checkpoints between evaluations; 0: none");
DEFINE_int64(keep_checkpoints, 2, "Newest checkpoints to keep besides the best; at least 2");

namespace ppr::cli {

std::vector<FlagTopic> TrainingTopics(const std::string& learning_rate) {
  return {TopicFromGflags("Data and output", {{"dataset"}, {"output"}, {"seed"}}),
          TopicFromGflags(
              "Training",
              {{"loss"}, {"negatives"}, {"negative_sharing"}, {"batch_size"}, {"max_epochs"}, {"max_steps"}}),
          TopicFromGflags(
              "Optimiser",
              {{"learning_rate", learning_rate}, {"warmup_steps"}, {"beta1"}, {"beta2"}, {"epsilon"}}),
          TopicFromGflags("Evaluation and checkpoints", {{"metric"},
                                                         {"patience_steps"},
                                                         {"evaluate_every_steps"},
                                                         {"checkpoint_every_steps"},
                                                         {"keep_checkpoints"}})};
}

train::TrainingConfig TrainingConfigFromFlags(FlagSet& flags) {
  train::TrainingConfig config;
  config.dataset = FLAGS_dataset;
  config.output = FLAGS_output;
  config.resume = FLAGS_resume;
  config.seed = FLAGS_seed;
  config.batch_size = FLAGS_batch_size;
  config.max_epochs = FLAGS_max_epochs;
  config.max_steps = FLAGS_max_steps;
  config.loss = Choose(flags, "loss", stages::NamesOf<model::NextItemLoss>());
  config.negatives = FLAGS_negatives;
  config.negative_sharing =
      Choose(flags, "negative_sharing", stages::NamesOf<recommender::NegativeSharing>());
  config.compute = Choose(flags, "compute", stages::NamesOf<model::ComputePath>());
  config.learning_rate = {FLAGS_learning_rate, FLAGS_warmup_steps};
  config.optimiser.adam.beta1 = FLAGS_beta1;
  config.optimiser.adam.beta2 = FLAGS_beta2;
  config.optimiser.adam.epsilon = FLAGS_epsilon;
  config.metric = FLAGS_metric;
  config.patience_steps = FLAGS_patience_steps;
  config.evaluate_every_steps = FLAGS_evaluate_every_steps;
  config.checkpoint_every_steps = FLAGS_checkpoint_every_steps;
  config.keep_checkpoints = FLAGS_keep_checkpoints;
  config.progress = Choose(flags, "progress", stages::NamesOf<train::ProgressMode>());
  return config;
}

}  // namespace ppr::cli
