#include "train/training_config.h"

#include "base/findings.h"
#include "base/nearest_name.h"
#include "base/text_format.h"
#include "evaluation/metrics.h"
#include "settings/shared_settings.h"

namespace ppr::train {
namespace {

// Of one target; of a whole batch, which costs as much as that many items of its ids.
constexpr int64_t kMostNegatives = 10'000, kMostSharedNegatives = 1'000'000;

void DescribeSteps(settings::Settings& settings, TrainingConfig& config) {
  settings.Topic("Training");
  settings.Add(&config.loss,
               {.flag = "loss",
                .help = "Of items: bpr, bce, or softmax (cross-entropy over the whole catalogue, which "
                        "needs no negatives)"});
  settings.Add(&config.negatives,
               {.flag = "negatives",
                .help = "Negatives per target, uniform, never an item that the user clicked in training",
                .limits = settings::Between(1, kMostSharedNegatives)});
  settings.Add(
      &config.negative_sharing,
      {.flag = "negative_sharing",
       .help = "own: each target draws its negatives; batch: all targets of a step share them (hundreds are "
               "cheap then), and a user's own clicks among them do not count for that user"});
  settings.Add(
      &config.batch_size,
      {.flag = "batch_size", .help = "Sequences of one step, over all ranks", .limits = settings::Count(1)});
  settings.Add(&config.max_epochs, {.flag = "max_epochs",
                                    .help = "Stop after so many passes over the training clicks",
                                    .stored = false,
                                    .limits = settings::AtLeast(1)});
  settings.Add(&config.max_steps, {.flag = "max_steps",
                                   .help = "Stop after so many steps; 0: no limit",
                                   .stored = false,
                                   .limits = settings::AtLeast(0)});
}

void DescribeEvaluations(settings::Settings& settings, TrainingConfig& config) {
  settings.Topic("Evaluation and checkpoints");
  settings.Add(&config.metric,
               {.flag = "metric",
                .help = "Metric of the validation cases that decides which checkpoint is best: auc, "
                        "mrr, hit@N or ndcg@N with N of 5, 10, 20, 50"});
  settings.Add(&config.patience_steps,
               {.flag = "patience_steps",
                .help = "Stop when the metric has not improved for so many steps; 0: never",
                .stored = false,
                .limits = settings::AtLeast(0)});
  settings.Add(&config.evaluate_every_steps,
               {.flag = "evaluate_every_steps",
                .help = "Steps between evaluations, each followed by a checkpoint; 0: once an epoch",
                .limits = settings::AtLeast(0)});
  settings.Add(&config.checkpoint_every_steps, {.flag = "checkpoint_every_steps",
                                                .help = "Further checkpoints between evaluations; 0: none",
                                                .stored = false,
                                                .limits = settings::AtLeast(0)});
  settings.Add(&config.keep_checkpoints, {.flag = "keep_checkpoints",
                                          .help = "Newest checkpoints to keep besides the best; at least 2",
                                          .stored = false,
                                          .limits = settings::Count(2)});
}

}  // namespace

void DescribeFiles(settings::Settings& settings, TrainingConfig& config) {
  settings.Topic("Data and output").Section("training");
  settings::AddDataset(settings, &config.dataset, /*required=*/true);
  settings::AddOutput(settings, &config.output, /*required=*/true);
  settings::AddSeed(settings, &config.seed);
}

void Describe(settings::Settings& settings, TrainingConfig& config) {
  settings.Section("training");
  DescribeSteps(settings, config);
  settings.Topic("Optimiser");
  optim::AddLearningRate(settings, &config.learning_rate.base, "learning_rate",
                         "Learning rate; when tuning, of the pre-trained parameters");
  optim::AddWarmupSteps(settings, &config.learning_rate.warmup_steps);
  optim::Describe(settings, config.optimiser);
  DescribeEvaluations(settings, config);
}

void DescribeProgress(settings::Settings& settings, TrainingConfig& config) {
  settings.Add(&config.resume,
               {.flag = "resume",
                .help = "Go on from the newest checkpoint in --output; without one, start from the beginning",
                .stored = false});
  settings.Add(&config.progress,
               {.flag = "progress",
                .help = "auto (a bar on a terminal, plain lines in a pipe), bar, plain or none",
                .stored = false});
}

std::vector<std::string> TrainingConfig::Problems() const {
  TrainingConfig copy = *this;
  settings::Settings all;
  DescribeFiles(all, copy);
  Describe(all, copy);
  Findings findings;
  findings.Append(all.Problems());
  const bool own = negative_sharing == recommender::NegativeSharing::kOwn;
  findings.Expect(!own || negatives <= kMostNegatives, "negatives",
                  "at most " + std::to_string(kMostNegatives) + " unless the batch shares them",
                  std::to_string(negatives));
  const std::vector<std::string> names = evaluation::MetricNames();
  bool known = false;
  for (const std::string& name : names) known = known || name == metric;
  findings.Expect(known, "metric", "one of auc, hit@N, ndcg@N, mrr",
                  "\"" + metric + "\"" + DidYouMean(metric, names));
  findings.Append(optimiser.Problems());
  const double decay = optimiser.weight_decay * learning_rate.base;
  findings.Expect(!(decay >= 1), "weight_decay", "with the learning rate less than 1", Format("%g", decay));
  return findings.Take();
}

}  // namespace ppr::train
