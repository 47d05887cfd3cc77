// ppr bench: the speed of training, evaluation and prepare on this machine.
#include <algorithm>
#include <utility>

#include "benchmark/benchmark.h"
#include "cli/command.h"
#include "cli/launch_flags.h"
#include "cli/model_defaults.h"
#include "cli/prepare_settings.h"
#include "settings/shared_settings.h"

namespace ppr::cli {
namespace {

using settings::FlagSet;
using settings::Settings;

// What is measured; bits, since a flag may belong to several.
enum What : unsigned { kTraining = 1, kEvaluation = 2, kPreparing = 4, kEverything = 7 };

// All that a person may ask for. What several benchmarks share stands in the one of training, and what it
// says of repeats; the others take it from there.
struct BenchSettings {
  bool eval = false, prepare = false, json = false;
  benchmark::TrainingBenchmark training;
  benchmark::EvaluationBenchmark evaluation;
  benchmark::PrepareBenchmark preparing;
  LaunchSettings launch;
};

// Topics that are measured together.
struct Group {
  unsigned measured;
  Settings settings;
};

Group Measured(BenchSettings& bench) {
  Settings all;
  all.Topic("What is measured");
  all.Add(&bench.eval, {.flag = "eval", .help = "Measure the ranking of ppr evaluate instead of training"});
  all.Add(&bench.prepare, {.flag = "prepare", .help = "Measure ppr prepare instead of training"});
  all.Add(&bench.json, {.flag = "json", .help = "Print one JSON object instead of a text"});
  benchmark::DescribeRepeats(all, &bench.training.rules.repeats);
  settings::AddSeed(all, &bench.training.pretrain.training.seed);
  return {kEverything, all};
}

Group DataAndTime(BenchSettings& bench) {
  Settings all;
  all.Topic("Training and evaluation");
  settings::AddDataset(all, &bench.training.pretrain.training.dataset, /*required=*/false);
  Describe(all, bench.training.generated);
  benchmark::DescribeSeconds(all, bench.training.rules);
  return {kTraining | kEvaluation, all};
}

Group Training(BenchSettings& bench, const Settings& of_pretrain) {
  train::TrainingConfig& training = bench.training.pretrain.training;
  Settings all;
  all.Topic("Training");
  benchmark::DescribeSteps(all, bench.training);
  for (const void* field : std::initializer_list<const void*>{
           &training.batch_size, &training.loss, &training.negatives, &training.negative_sharing,
           &training.learning_rate.base, &training.learning_rate.warmup_steps, &training.optimiser.adam.beta1,
           &training.optimiser.adam.beta2, &training.optimiser.adam.epsilon, &training.optimiser.kind,
           &training.optimiser.weight_decay}) {
    all.Take(of_pretrain, field);
  }
  return {kTraining, all};
}

Group Encoder(BenchSettings& bench, const Settings& of_pretrain) {
  Settings all;
  all.Topic("Encoder");
  all.Take(of_pretrain, &bench.training.pretrain.preset);
  Describe(all, bench.training.pretrain.encoder);
  return {kTraining | kEvaluation, all};
}

Group Evaluation(BenchSettings& bench) {
  stages::EvaluateConfig& evaluate = bench.evaluation.evaluate;
  const Settings of_evaluate = settings::SettingsOf(evaluate);
  Settings all;
  all.Topic("With --eval");
  for (const void* field : std::initializer_list<const void*>{&evaluate.checkpoint, &evaluate.task,
                                                              &evaluate.part, &evaluate.batch_cases}) {
    all.Take(of_evaluate, field);
  }
  return {kEvaluation, all};
}

// prepare's settings, but those that stand in a topic of all, and the place of its output.
Group Preparing(BenchSettings& bench) {
  data::PrepareConfig& prepare = bench.preparing.prepare;
  Settings of_prepare, all;
  DescribePrepare(of_prepare, prepare);
  const std::string first = of_prepare.all().front().topic;
  bool has_rows = false;
  for (const settings::Setting& setting : of_prepare.all()) {
    if (setting.field == &prepare.output || setting.field == &prepare.seed) continue;
    if (setting.topic != first && !has_rows) {
      benchmark::DescribeRows(all, bench.preparing);
      has_rows = true;
    }
    all.Topic("With --prepare: " + setting.topic);
    all.Take(of_prepare, setting.field);
  }
  return {kPreparing, all};
}

std::vector<Group> Groups(BenchSettings& bench) {
  const Settings of_pretrain = settings::SettingsOf(bench.training.pretrain);
  Settings launch;
  DescribeLaunch(launch, bench.launch, bench.training.pretrain.training.compute);
  return {
      Measured(bench),   DataAndTime(bench), Training(bench, of_pretrain),     Encoder(bench, of_pretrain),
      Evaluation(bench), Preparing(bench),   {kTraining | kEvaluation, launch}};
}

Settings AllOf(const std::vector<Group>& groups) {
  Settings all;
  for (const Group& group : groups) all.TakeAll(group.settings);
  return all;
}

// Flags that were given and play no part in what is measured.
void RefuseIdleFlags(FlagSet& flags, const std::vector<Group>& groups, What what) {
  const char* const named = what == kTraining     ? "without --eval and --prepare"
                            : what == kEvaluation ? "with --eval"
                                                  : "with --prepare";
  for (const Group& group : groups) {
    if ((group.measured & what) != 0) continue;
    for (const settings::Setting& setting : group.settings.all()) {
      if (flags.is_given(setting.flag()))
        flags.AddProblems({setting.flag() + ": plays no part in ppr bench " + named + "; leave it out"});
    }
  }
}

What WhatIsAsked(const BenchSettings& bench, FlagSet& flags) {
  if (bench.eval && bench.prepare)
    flags.AddProblems({"eval: expected one of --eval and --prepare, found both"});
  return bench.eval ? kEvaluation : bench.prepare ? kPreparing : kTraining;
}

// Of two that say the same in two ways, or of which one needs the other.
void CheckPairs(const BenchSettings& bench, FlagSet& flags) {
  if (bench.training.generated.items == 0 && flags.is_given("targets_per_sequence"))
    flags.AddProblems({"targets_per_sequence: expected with --items, found alone"});
  if (bench.training.steps > 0 && flags.is_given("seconds"))
    flags.AddProblems({"steps: expected one of --steps and --seconds, found both"});
  if (flags.is_given("rows") && flags.is_given("interactions"))
    flags.AddProblems({"rows: expected one of --rows and --interactions, found both"});
}

// The text or the JSON of what `benchmark` measures.
template <typename Benchmark>
Job JobOf(FlagSet& flags, const Benchmark& benchmark, bool as_json) {
  flags.AddProblems(benchmark.Problems());
  Job job;
  job.run = [benchmark, as_json](dist::Communicator& communicator) {
    const auto report = Measure(communicator, benchmark);
    return as_json ? report.ToJson() : report.ToText();
  };
  return job;
}

Job PlanEvaluation(const BenchSettings& bench, const std::vector<Group>& groups, FlagSet& flags) {
  const stages::PretrainConfig& pretrain = bench.training.pretrain;
  benchmark::EvaluationBenchmark evaluation = bench.evaluation;
  evaluation.evaluate.dataset = pretrain.training.dataset;
  evaluation.evaluate.compute = pretrain.training.compute;
  evaluation.encoder = pretrain.encoder;
  evaluation.seed = pretrain.training.seed;
  evaluation.generated = bench.training.generated;
  evaluation.rules = bench.training.rules;
  const bool has_encoder = !evaluation.evaluate.checkpoint.empty();
  for (const settings::Setting& setting : groups[3].settings.all()) {
    if (has_encoder && flags.is_given(setting.flag()))
      flags.AddProblems({setting.flag() + ": expected without --checkpoint, which holds its own encoder"});
  }
  return JobOf(flags, evaluation, bench.json);
}

Job PlanPreparing(const BenchSettings& bench, FlagSet& flags) {
  benchmark::PrepareBenchmark preparing = bench.preparing;
  preparing.prepare.seed = bench.training.pretrain.training.seed;
  preparing.repeats = bench.training.rules.repeats;
  RecordOpenChoices(flags, &preparing.prepare);
  return JobOf(flags, preparing, bench.json);
}

Job Plan(FlagSet& flags) {
  BenchSettings bench;
  const std::vector<Group> groups = Groups(bench);
  flags.AssignTo(AllOf(groups));
  const What what = WhatIsAsked(bench, flags);
  RefuseIdleFlags(flags, groups, what);
  CheckPairs(bench, flags);
  if (what == kEvaluation) return PlanEvaluation(bench, groups, flags);
  if (what == kPreparing) return PlanPreparing(bench, flags);
  return JobOf(flags, bench.training, bench.json);
}

}  // namespace

Command BenchCommand() {
  BenchSettings bench;
  return {.name = "bench",
          .summary = "speed of training, evaluation and prepare, and what limits it",
          .usage = "--dataset=dataset.h5 | --items=1000000 | --eval ... | --prepare ... [flags]",
          .topics = settings::TopicsOf(AllOf(Groups(bench))),
          .on_ranks = true,
          .plan = Plan,
          .adjust = [](FlagSet& flags) {
            ApplyModelDefaults(flags);
            ApplySource(flags);
          }};
}

}  // namespace ppr::cli
