// ppr experiment: tables of the paper, from datasets to a report.
#include <gflags/gflags.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/errors.h"
#include "cli/choice.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/gflags_bridge.h"
#include "cli/launch_flags.h"
#include "data/dataset.h"
#include "experiment/experiment.h"

DECLARE_string(output);
DEFINE_string(tables, "",
              "Tables and figures of the paper: table1_parameters, table2_datasets, table3_few_shot, "
              "table4_zero_shot, table5_joint, figure3_ablation, table6_universality, figure4_sparsity, "
              "prompt_length, table7_cross_domain, table8_profile");
DEFINE_string(datasets, "",
              "NAME=file.h5, or NAME=prepare.flags to prepare it first; of two domains "
              "SOURCE:TARGET=source.h5:target.h5; several separated by commas");
DEFINE_string(
    models, "",
    "Models to show: bert4rec, sasrec, melu, cl4srec, minet, pretrain, fine_tune, ppr_light, ppr_full, "
    "popularity, position_popularity, shared_prompt; TABLE:model for one table alone; none: those of the "
    "paper's table");
DEFINE_string(bases, "cl4srec,bert4rec,gru4rec", "table6_universality: pre-trained models to tune");
DEFINE_string(seeds, "1,2,3,4,5", "Seeds; each has its own pre-training and tuning");
DEFINE_string(
    learning_rates, "1e-4,3e-4,1e-3",
    "Rates to choose from by validation, for all parameters or, as 1e-4/1e-3, for pre-trained and new "
    "ones; not of the shared pre-training (--pretrain_flags=--learning_rate=...)");
DEFINE_string(scratch_learning_rates, "",
              "The same for models trained from scratch; none: those of new parameters in --learning_rates");
DEFINE_bool(split_by_seed, false,
            "Datasets that are prepared first: each seed splits the users anew, with its own --seed");
DEFINE_string(ks, "1,5,7,10", "figure4_sparsity: most clicks k of a cold user");
DEFINE_string(prompt_lengths, "1,2,4,6,8,10", "prompt_length: prompt tokens n");
DEFINE_string(predict_fields, "",
              "table8_profile: profile fields to predict, as field or NAME:field for one dataset");
DEFINE_string(launcher, "", "Words before the program, for example 'mpirun -np 2 --bind-to none'");
DEFINE_string(program, "", "The ppr that runs the stages; none: this one");
DEFINE_string(pretrain_flags, "",
              "More flags of ppr pretrain, separated by blanks; not those that make a row what it is");
DEFINE_string(tune_flags, "", "The same of ppr tune");
DEFINE_string(evaluate_flags, "", "The same of ppr evaluate");
DEFINE_string(printed, "", "CSV of the paper's numbers, to stand beside ours: configs/paper/printed.csv");
DEFINE_bool(dry_run, false, "Print the plan and run nothing");
DEFINE_int64(
    parallel_stages, 1,
    "Stages that run at a time; above 1 the stages' flags must say how many cores each takes (--threads)");
DEFINE_bool(keep_going, false, "After a stage that fails, run what does not need it");

namespace ppr::cli {
namespace {

std::string PathOfThisProgram() {
  std::array<char, 4096> path = {};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : "";
}

const Command& StageCommand(const std::string& name) {
  static const std::vector<Command> commands = {PrepareCommand(), PretrainCommand(), TuneCommand(),
                                                EvaluateCommand()};
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& command) { return command.name == name; });
  PPR_BUG_IF_NOT(found != commands.end(), "no command of stages: " + name);
  return *found;
}

// All stages get their flags on the command line: where a value stands says nothing.
std::vector<std::string> WithoutSource(std::vector<std::string> problems) {
  const std::string source = " (command line)";
  for (std::string& problem : problems) {
    if (const size_t at = problem.find(source); at != std::string::npos) problem.erase(at, source.size());
  }
  return problems;
}

// What the sub-command says to these flags alone; settings that only its plan can judge come later.
std::vector<std::string> ProblemsOfFlags(const std::string& name, const experiment::StageFlags& given) {
  const Command& command = StageCommand(name);
  std::vector<std::string> arguments;
  for (const auto& [flag, value] : given) arguments.push_back("--" + flag + "=" + value);
  FlagSet flags(command.name, command.topics, {});
  flags.Parse(arguments);
  if (command.adjust) command.adjust(flags);
  return WithoutSource(flags.problems());
}

// What it says to the whole command line of a stage: as main.cc does, up to the launch.
std::vector<std::string> ProblemsOfStage(const std::string& name, const std::vector<std::string>& arguments) {
  const gflags::FlagSaver keeps_values_of_this_command;
  const Command& command = StageCommand(name);
  FlagSet flags(command.name, command.topics, {});
  flags.Parse(arguments);
  if (command.adjust) command.adjust(flags);
  StoreInGflags(flags);
  LaunchSettingsFromFlags(flags);
  command.plan(flags);
  return WithoutSource(flags.problems());
}

std::vector<std::string> FieldsOfDataset(const std::string& path) {
  std::vector<std::string> names;
  for (const data::ProfileField& field : data::ReadDataset(path).fields) names.push_back(field.name);
  return names;
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

experiment::ExperimentConfig ConfigFromFlags(FlagSet& flags) {
  using namespace experiment;
  std::vector<std::string> problems;
  ExperimentConfig config;
  config.tables = SplitList(FLAGS_tables);
  config.datasets = ParseDatasets(FLAGS_datasets, problems);
  config.rows = {.models = SplitList(FLAGS_models),
                 .bases = SplitList(FLAGS_bases),
                 .shots = ParseNumbers(FLAGS_ks, "ks", 1, problems),
                 .prompt_lengths = ParseNumbers(FLAGS_prompt_lengths, "prompt_lengths", 1, problems),
                 .predict_fields = SplitList(FLAGS_predict_fields)};
  config.seeds = Seeds(ParseNumbers(FLAGS_seeds, "seeds", 0, problems));
  config.learning_rates = ParseLearningRates(FLAGS_learning_rates, "learning_rates", problems);
  config.scratch_learning_rates =
      ParseLearningRates(FLAGS_scratch_learning_rates, "scratch_learning_rates", problems);
  config.split_by_seed = FLAGS_split_by_seed;
  config.pretrain = ParseStageFlags(FLAGS_pretrain_flags, "pretrain_flags", problems);
  config.tune = ParseStageFlags(FLAGS_tune_flags, "tune_flags", problems);
  config.evaluate = ParseStageFlags(FLAGS_evaluate_flags, "evaluate_flags", problems);
  config.launcher = SplitWords(FLAGS_launcher, "launcher", problems);
  config.program = FLAGS_program.empty() ? PathOfThisProgram() : FLAGS_program;
  config.printed = FLAGS_printed;
  config.output = FLAGS_output;
  config.dry_run = FLAGS_dry_run;
  config.keep_going = FLAGS_keep_going;
  config.parallel_stages = FLAGS_parallel_stages;
  config.check_flags = ProblemsOfFlags;
  config.check_stage = ProblemsOfStage;
  config.fields_of = FieldsOfDataset;
  flags.AddProblems(problems);
  flags.AddProblems(config.Problems());
  return config;
}

Job Plan(FlagSet& flags) {
  const experiment::ExperimentConfig config = ConfigFromFlags(flags);
  Job job{.run_folder = "", .stops_on_request = true, .run = nullptr};
  job.run = [config](dist::Communicator&) {
    return experiment::RunExperiment(config, [](const std::string& line) { PrintToStderr(line + "\n"); });
  };
  return job;
}

}  // namespace

Command ExperimentCommand() {
  return {
      .name = "experiment",
      .summary = "tables of the paper on your datasets: every model, seed and learning rate, and a report",
      .usage =
          "--flagfile=configs/paper/table3_few_shot.flags --datasets=NAME=file.h5 --output=folder [flags]",
      .topics = {TopicFromGflags("What to run", {{"tables"},
                                                 {"datasets"},
                                                 {"models"},
                                                 {"seeds"},
                                                 {"split_by_seed"},
                                                 {"learning_rates"},
                                                 {"scratch_learning_rates"},
                                                 {"bases"},
                                                 {"ks"},
                                                 {"prompt_lengths"},
                                                 {"predict_fields"}}),
                 TopicFromGflags("Stages", {{"pretrain_flags"},
                                            {"tune_flags"},
                                            {"evaluate_flags"},
                                            {"launcher"},
                                            {"program"},
                                            {"parallel_stages"},
                                            {"keep_going"},
                                            {"dry_run"}}),
                 TopicFromGflags("Report", {{"output"}, {"printed"}})},
      .plan = Plan};
}

}  // namespace ppr::cli
