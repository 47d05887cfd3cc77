#include "experiment/experiment_settings.h"

#include <charconv>

#include "settings/shared_settings.h"
#include "settings/text_lists.h"

namespace ppr::experiment {
namespace {

using settings::Settings;

void DescribeRows(Settings& settings, ExperimentSettings& config) {
  settings.Topic("What to run");
  settings.Add(
      &config.tables,
      {.flag = "tables",
       .help = "Tables and figures of the paper: table1_parameters, table2_datasets, table3_few_shot, "
               "table4_zero_shot, table5_joint, figure3_ablation, table6_universality, figure4_sparsity, "
               "prompt_length, table7_cross_domain, table8_profile"});
  settings.Add(&config.datasets,
               {.flag = "datasets",
                .help = "NAME=file.h5, or NAME=prepare.flags to prepare it first; of two domains "
                        "SOURCE:TARGET=source.h5:target.h5; several separated by commas"});
  settings.Add(
      &config.models,
      {.flag = "models",
       .help = "Models to show: bert4rec, sasrec, melu, cl4srec, minet, pretrain, fine_tune, ppr_light, "
               "ppr_full, popularity, position_popularity, shared_prompt; TABLE:model for one table alone; "
               "none: those of the paper's table"});
  settings.Add(&config.seeds, {.flag = "seeds", .help = "Seeds; each has its own pre-training and tuning"});
  settings.Add(
      &config.split_by_seed,
      {.flag = "split_by_seed",
       .help = "Datasets that are prepared first: each seed splits the users anew, with its own --seed"});
  settings.Add(
      &config.learning_rates,
      {.flag = "learning_rates",
       .help = "Rates to choose from by validation, for all parameters or, as 1e-4/1e-3, for pre-trained and "
               "new ones; not of the shared pre-training (--pretrain_flags=--learning_rate=...)"});
  settings.Add(&config.scratch_learning_rates,
               {.flag = "scratch_learning_rates",
                .help = "The same for models trained from scratch; none: those of new parameters in "
                        "--learning_rates"});
  settings.Add(&config.bases, {.flag = "bases", .help = "table6_universality: pre-trained models to tune"});
  settings.Add(&config.ks, {.flag = "ks", .help = "figure4_sparsity: most clicks k of a cold user"});
  settings.Add(&config.prompt_lengths, {.flag = "prompt_lengths", .help = "prompt_length: prompt tokens n"});
  settings.Add(&config.predict_fields,
               {.flag = "predict_fields",
                .help = "table8_profile: profile fields to predict, as field or NAME:field for one dataset"});
}

void DescribeStages(Settings& settings, ExperimentSettings& config) {
  settings.Topic("Stages");
  settings.Add(
      &config.pretrain_flags,
      {.flag = "pretrain_flags",
       .help = "More flags of ppr pretrain, separated by blanks; not those that make a row what it is"});
  settings.Add(&config.tune_flags, {.flag = "tune_flags", .help = "The same of ppr tune"});
  settings.Add(&config.evaluate_flags, {.flag = "evaluate_flags", .help = "The same of ppr evaluate"});
  settings.Add(
      &config.launcher,
      {.flag = "launcher", .help = "Words before the program, for example 'mpirun -np 2 --bind-to none'"});
  settings.Add(&config.program, {.flag = "program", .help = "The ppr that runs the stages; none: this one"});
  settings.Add(
      &config.parallel_stages,
      {.flag = "parallel_stages",
       .help = "Stages that run at a time; above 1 the stages' flags must say how many cores each takes "
               "(--threads)"});
  settings.Add(&config.keep_going,
               {.flag = "keep_going", .help = "After a stage that fails, run what does not need it"});
  settings.Add(&config.dry_run, {.flag = "dry_run", .help = "Print the plan and run nothing"});
}

std::vector<uint64_t> Seeds(const std::vector<std::string>& numbers) {
  std::vector<uint64_t> seeds;
  for (const std::string& text : numbers) {
    uint64_t seed = 0;
    std::from_chars(text.data(), text.data() + text.size(), seed);
    seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace

void Describe(Settings& settings, ExperimentSettings& config) {
  DescribeRows(settings, config);
  DescribeStages(settings, config);
  settings.Topic("Report");
  settings::AddOutput(settings, &config.output, /*required=*/false);
  settings.Add(&config.printed,
               {.flag = "printed",
                .help = "CSV of the paper's numbers, to stand beside ours: configs/paper/printed.csv"});
}

ExperimentConfig ConfigOf(const ExperimentSettings& given, const FlagsOfCommand& flags_of,
                          const std::string& this_program, std::vector<std::string>& problems) {
  using settings::SplitList;
  ExperimentConfig config;
  config.tables = SplitList(given.tables);
  config.datasets = ParseDatasets(given.datasets, problems);
  config.rows = {.models = SplitList(given.models),
                 .bases = SplitList(given.bases),
                 .shots = ParseNumbers(given.ks, "ks", 1, problems),
                 .prompt_lengths = ParseNumbers(given.prompt_lengths, "prompt_lengths", 1, problems),
                 .predict_fields = SplitList(given.predict_fields)};
  config.seeds = Seeds(ParseNumbers(given.seeds, "seeds", 0, problems));
  config.learning_rates = ParseLearningRates(given.learning_rates, "learning_rates", problems);
  config.scratch_learning_rates =
      ParseLearningRates(given.scratch_learning_rates, "scratch_learning_rates", problems);
  config.split_by_seed = given.split_by_seed;
  config.pretrain = ParseStageFlags(given.pretrain_flags, "pretrain_flags", flags_of("pretrain"), problems);
  config.tune = ParseStageFlags(given.tune_flags, "tune_flags", flags_of("tune"), problems);
  config.evaluate = ParseStageFlags(given.evaluate_flags, "evaluate_flags", flags_of("evaluate"), problems);
  config.launcher = settings::SplitWords(given.launcher, "launcher", problems);
  config.program = given.program.empty() ? this_program : given.program;
  config.printed = given.printed;
  config.output = given.output;
  config.dry_run = given.dry_run;
  config.keep_going = given.keep_going;
  config.parallel_stages = given.parallel_stages;
  config.flags_of = flags_of;
  return config;
}

}  // namespace ppr::experiment
