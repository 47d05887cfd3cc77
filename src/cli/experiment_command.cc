// ppr experiment: the tables of the paper on a person's datasets.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/launch_flags.h"
#include "data/dataset.h"
#include "experiment/experiment.h"
#include "experiment/experiment_settings.h"

namespace ppr::cli {
namespace {

using settings::FlagSet;

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

FlagSet FlagsOf(const std::string& name) { return FlagSet(name, StageCommand(name).topics, {}); }

// All stages get their flags on the command line: where a value stands says nothing.
std::vector<std::string> WithoutSource(std::vector<std::string> problems) {
  const std::string source = " (command line)";
  for (std::string& problem : problems) {
    if (const size_t at = problem.find(source); at != std::string::npos) problem.erase(at, source.size());
  }
  return problems;
}

// What the sub-command says to the whole command line of a stage: as main.cc does, up to the launch.
std::vector<std::string> ProblemsOfStage(const std::string& name, const std::vector<std::string>& arguments) {
  const Command& command = StageCommand(name);
  FlagSet flags = FlagsOf(name);
  flags.Parse(arguments);
  if (command.adjust) command.adjust(flags);
  LaunchSettingsFromFlags(flags);
  command.plan(flags);
  return WithoutSource(flags.problems());
}

std::vector<std::string> FieldsOfDataset(const std::string& path) {
  std::vector<std::string> names;
  for (const data::ProfileField& field : data::ReadDataset(path).fields) names.push_back(field.name);
  return names;
}

Job Plan(FlagSet& flags) {
  experiment::ExperimentSettings given;
  const settings::Settings all = settings::SettingsOf(given);
  flags.AssignTo(all);
  std::vector<std::string> problems = all.Problems();
  experiment::ExperimentConfig config = experiment::ConfigOf(given, FlagsOf, PathOfThisProgram(), problems);
  config.check_stage = ProblemsOfStage;
  config.fields_of = FieldsOfDataset;
  flags.AddProblems(problems);
  flags.AddProblems(config.Problems());
  Job job{.run_folder = "", .stops_on_request = true, .run = nullptr};
  job.run = [config](dist::Communicator&) {
    return experiment::RunExperiment(config, [](const std::string& line) { PrintToStderr(line + "\n"); });
  };
  return job;
}

}  // namespace

Command ExperimentCommand() {
  experiment::ExperimentSettings given;
  return {
      .name = "experiment",
      .summary = "tables of the paper on your datasets: every model, seed and learning rate, and a report",
      .usage =
          "--flagfile=configs/paper/table3_few_shot.flags --datasets=NAME=file.h5 --output=folder [flags]",
      .topics = settings::TopicsOf(settings::SettingsOf(given)),
      .plan = Plan};
}

}  // namespace ppr::cli
