// ppr bench: the speed of training, evaluation and prepare on this machine.
#include <gflags/gflags.h>

#include <algorithm>
#include <utility>

#include "benchmark/benchmark.h"
#include "cli/choice.h"
#include "cli/command.h"
#include "cli/encoder_flags.h"
#include "cli/gflags_bridge.h"
#include "cli/launch_flags.h"
#include "cli/prepare_flags.h"
#include "cli/prepare_layout_flags.h"
#include "cli/presets.h"
#include "stages/setting_names.h"

DECLARE_string(dataset);
DECLARE_string(checkpoint);
DECLARE_string(part);
DECLARE_uint64(seed);
DECLARE_int64(batch_size);
DECLARE_int64(batch_cases);
DECLARE_int64(negatives);
DECLARE_double(learning_rate);
DECLARE_int64(warmup_steps);
DECLARE_double(beta1);
DECLARE_double(beta2);
DECLARE_double(epsilon);
DEFINE_bool(eval, false, "Measure the ranking of ppr evaluate instead of training");
DEFINE_bool(prepare, false, "Measure ppr prepare instead of training");
DEFINE_bool(json, false, "Print one JSON object instead of a text");
DEFINE_int64(repeats, 5, "Repeats, of which median, smallest and largest are printed");
DEFINE_double(seconds, 2, "Length of a repeat, about");
DEFINE_double(warmup_seconds, 2, "Uncounted time before the first repeat");
DEFINE_int64(steps, 0, "Training steps of a repeat; 0: as many as --seconds allow");
DEFINE_int64(items, 0,
             "Instead of --dataset: uniform random ids of so many items, made in memory; 0: the dataset");
DEFINE_int64(targets_per_sequence, 38,
             "With --items: targets of a sequence on average, at most --max_history each");
DEFINE_int64(rows, 1'000'000, "Without --interactions: rows of a click log that is generated");

namespace ppr::cli {
namespace {

// What is measured; bits, since a flag may belong to several.
enum What : unsigned { kTraining = 1, kEvaluation = 2, kPreparing = 4, kEverything = 7 };

struct TopicOf {
  unsigned measured;
  FlagTopic topic;
};

// prepare's flags, but those that stand in a topic of all, and the place of its output.
std::vector<TopicOf> PrepareTopicsForBench() {
  std::vector<TopicOf> topics;
  for (FlagTopic& topic : PrepareTopics()) {
    std::erase_if(topic.flags,
                  [](const FlagDeclaration& flag) { return flag.name == "output" || flag.name == "seed"; });
    topic.title = "With --prepare: " + topic.title;
    topics.push_back({kPreparing, std::move(topic)});
  }
  topics.front().topic.flags.push_back(TopicFromGflags("", {{"rows"}}).flags.front());
  return topics;
}

std::vector<TopicOf> TopicsWithUses() {
  std::vector<TopicOf> topics = {
      {kEverything,
       TopicFromGflags("What is measured", {{"eval"}, {"prepare"}, {"json"}, {"repeats"}, {"seed"}})},
      {kTraining | kEvaluation,
       TopicFromGflags("Training and evaluation",
                       {{"dataset"}, {"items"}, {"targets_per_sequence"}, {"seconds"}, {"warmup_seconds"}})},
      {kTraining, TopicFromGflags("Training", {{"steps"},
                                               {"batch_size"},
                                               {"loss"},
                                               {"negatives"},
                                               {"negative_sharing"},
                                               {"learning_rate", "0.001"},
                                               {"warmup_steps"},
                                               {"beta1"},
                                               {"beta2"},
                                               {"epsilon"}})},
      {kTraining | kEvaluation, EncoderTopic()},
      {kEvaluation,
       TopicFromGflags("With --eval", {{"checkpoint"}, {"task", "joint"}, {"part"}, {"batch_cases"}})}};
  for (TopicOf& topic : PrepareTopicsForBench()) topics.push_back(std::move(topic));
  topics.push_back({kTraining | kEvaluation, LaunchTopic(/*trains=*/false)});
  return topics;
}

std::vector<FlagTopic> Topics() {
  std::vector<FlagTopic> topics;
  for (TopicOf& topic : TopicsWithUses()) topics.push_back(std::move(topic.topic));
  return topics;
}

bool Given(const FlagSet& flags, const std::string& name) {
  const FlagSource::Kind kind = flags.source(name).kind;
  return kind == FlagSource::Kind::kFile || kind == FlagSource::Kind::kCommandLine;
}

// Flags that were given and play no part in what is measured.
void RefuseIdleFlags(FlagSet& flags, What what) {
  const char* const named = what == kTraining     ? "without --eval and --prepare"
                            : what == kEvaluation ? "with --eval"
                                                  : "with --prepare";
  for (const TopicOf& topic : TopicsWithUses()) {
    if ((topic.measured & what) != 0) continue;
    for (const FlagDeclaration& flag : topic.topic.flags) {
      if (Given(flags, flag.name))
        flags.AddProblems({flag.name + ": plays no part in ppr bench " + named + "; leave it out"});
    }
  }
}

What WhatFromFlags(FlagSet& flags) {
  if (FLAGS_eval && FLAGS_prepare)
    flags.AddProblems({"eval: expected one of --eval and --prepare, found both"});
  return FLAGS_eval ? kEvaluation : FLAGS_prepare ? kPreparing : kTraining;
}

benchmark::RepeatRules RulesFromFlags() {
  return {.repeats = FLAGS_repeats, .seconds = FLAGS_seconds, .warmup_seconds = FLAGS_warmup_seconds};
}

benchmark::GeneratedData GeneratedFromFlags(FlagSet& flags) {
  if (FLAGS_items == 0 && Given(flags, "targets_per_sequence"))
    flags.AddProblems({"targets_per_sequence: expected with --items, found alone"});
  return {.items = FLAGS_items, .targets_per_sequence = FLAGS_targets_per_sequence};
}

// The text or the JSON of what `benchmark` measures.
template <typename Benchmark>
Job JobOf(FlagSet& flags, const Benchmark& benchmark) {
  flags.AddProblems(benchmark.Problems());
  Job job;
  job.run = [benchmark, json = FLAGS_json](dist::Communicator& communicator) {
    const auto report = Measure(communicator, benchmark);
    return json ? report.ToJson() : report.ToText();
  };
  return job;
}

Job PlanTraining(FlagSet& flags) {
  benchmark::TrainingBenchmark benchmark;
  train::TrainingConfig& training = benchmark.pretrain.training;
  training.dataset = FLAGS_dataset;
  training.seed = FLAGS_seed;
  training.batch_size = FLAGS_batch_size;
  training.loss = Choose(flags, "loss", stages::NamesOf<model::NextItemLoss>());
  training.negatives = FLAGS_negatives;
  training.negative_sharing =
      Choose(flags, "negative_sharing", stages::NamesOf<recommender::NegativeSharing>());
  training.compute = Choose(flags, "compute", stages::NamesOf<model::ComputePath>());
  training.learning_rate = {FLAGS_learning_rate, FLAGS_warmup_steps};
  training.optimiser.adam.beta1 = FLAGS_beta1;
  training.optimiser.adam.beta2 = FLAGS_beta2;
  training.optimiser.adam.epsilon = FLAGS_epsilon;
  benchmark.pretrain.encoder = EncoderConfigFromFlags(flags);
  benchmark.generated = GeneratedFromFlags(flags);
  benchmark.rules = RulesFromFlags();
  benchmark.steps = FLAGS_steps;
  if (FLAGS_steps > 0 && Given(flags, "seconds"))
    flags.AddProblems({"steps: expected one of --steps and --seconds, found both"});
  return JobOf(flags, benchmark);
}

Job PlanEvaluation(FlagSet& flags) {
  benchmark::EvaluationBenchmark benchmark;
  benchmark.evaluate.dataset = FLAGS_dataset;
  benchmark.evaluate.checkpoint = FLAGS_checkpoint;
  benchmark.evaluate.task = Choose(flags, "task", stages::NamesOf<evaluation::EvaluationTask>());
  benchmark.evaluate.part = FLAGS_part;
  benchmark.evaluate.batch_cases = FLAGS_batch_cases;
  benchmark.evaluate.compute = Choose(flags, "compute", stages::NamesOf<model::ComputePath>());
  benchmark.encoder = EncoderConfigFromFlags(flags);
  benchmark.seed = FLAGS_seed;
  benchmark.generated = GeneratedFromFlags(flags);
  benchmark.rules = RulesFromFlags();
  if (!FLAGS_checkpoint.empty()) {
    for (const FlagDeclaration& flag : EncoderTopic().flags) {
      if (Given(flags, flag.name))
        flags.AddProblems({flag.name + ": expected without --checkpoint, which holds its own encoder"});
    }
  }
  return JobOf(flags, benchmark);
}

Job PlanPreparing(FlagSet& flags) {
  benchmark::PrepareBenchmark benchmark;
  benchmark.prepare = PrepareConfigFromFlags(flags);
  benchmark.rows = FLAGS_rows;
  benchmark.repeats = FLAGS_repeats;
  if (Given(flags, "rows") && Given(flags, "interactions"))
    flags.AddProblems({"rows: expected one of --rows and --interactions, found both"});
  return JobOf(flags, benchmark);
}

Job Plan(FlagSet& flags) {
  const What what = WhatFromFlags(flags);
  RefuseIdleFlags(flags, what);
  switch (what) {
    case kEvaluation:
      return PlanEvaluation(flags);
    case kPreparing:
      return PlanPreparing(flags);
    default:
      return PlanTraining(flags);
  }
}

}  // namespace

Command BenchCommand() {
  return {.name = "bench",
          .summary = "speed of training, evaluation and prepare, and what limits it",
          .usage = "--dataset=dataset.h5 | --items=1000000 | --eval ... | --prepare ... [flags]",
          .topics = Topics(),
          .on_ranks = true,
          .plan = Plan,
          .adjust = [](FlagSet& flags) {
            ApplyPreset(flags);
            ApplySource(flags);
          }};
}

}  // namespace ppr::cli
