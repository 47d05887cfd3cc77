#include "experiment/experiment.h"

#include <algorithm>

#include "base/durable_file.h"
#include "base/errors.h"
#include "experiment/expansion.h"
#include "experiment/experiment_report.h"
#include "experiment/folder_lock.h"
#include "experiment/input_digests.h"
#include "experiment/plan_check.h"
#include "experiment/row_results.h"
#include "experiment/stage_runner.h"
#include "report/markdown.h"
#include "report/moments.h"
#include "report/results_order.h"

namespace ppr::experiment {
namespace {

std::string Joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += "\n  " + problem;
  return text;
}

std::vector<DatasetInput> ResolveDatasets(const ExperimentConfig& config, InputDigests& digests) {
  std::vector<std::string> problems;
  std::vector<DatasetInput> datasets;
  const FileDigest digest_of = [&](const std::string& path) { return digests.Of(path); };
  for (const DatasetSpec& spec : config.datasets) {
    datasets.push_back(ResolveDataset(spec, digest_of, config.flags_of, problems));
  }
  if (problems.empty()) problems = ProblemsOfPlan(config, datasets);
  if (!problems.empty()) throw ConfigError("nothing was started:" + Joined(problems));
  return datasets;
}

// Evaluations of rows whose learning rate is still open.
int64_t LaterEvaluations(const Expansion& expansion) {
  int64_t later = 0;
  for (const ExpandedRow& row : expansion.rows) {
    if (row.row.kind != TableKind::kParameters)
      later += static_cast<int64_t>(row.candidates.front().models.size());
  }
  return later;
}

std::string PlanText(const StagePlan& plan, size_t from, const StageStore& store,
                     const StageProgram& program) {
  std::string text;
  for (size_t i = from; i < plan.stages().size(); ++i) {
    const Stage& stage = plan.stages()[i];
    text += "# " + std::to_string(i + 1) + ". " + stage.label +
            (store.IsComplete(stage) ? " (complete)" : "") + "\n" +
            ShellText(CommandLineOf(plan, stage, store, program)) + "\n";
  }
  return text;
}

std::string DescribePlan(const ExperimentConfig& config, const std::vector<DatasetInput>& datasets,
                         const StageStore& store, const StageProgram& program, Expansion& expansion) {
  const size_t first_round = expansion.plan.stages().size();
  std::string text = PlanText(expansion.plan, 0, store, program);
  bool is_a_choice = false;
  for (size_t r = 0; r < expansion.rows.size(); ++r) {
    is_a_choice = is_a_choice || expansion.rows[r].candidates.size() > 1;
    ExpandEvaluation(config, datasets, 0, r, expansion);
  }
  if (is_a_choice) {
    text +=
        "# Evaluations follow, of the learning rate with the best mean validation value of each row; "
        "shown with the first:\n";
  }
  return text + PlanText(expansion.plan, first_round, store, program) + "# " +
         std::to_string(expansion.plan.stages().size()) + " stages\n";
}

// The two rounds, and what comes of them.
class Experiment {
 public:
  Experiment(const ExperimentConfig& config, const std::vector<DatasetInput>& datasets,
             const StageStore& store, StageRunner& runner, const PrintedNumbers& printed)
      : config_(config),
        datasets_(datasets),
        store_(store),
        runner_(runner),
        reader_(config, store, printed),
        expansion_(ExpandTraining(config, datasets)) {}

  ExperimentResults Run() {
    runner_.Run(expansion_.plan, LaterEvaluations(expansion_));
    for (size_t r = 0; r < expansion_.rows.size(); ++r) ChooseRate(r);
    runner_.Run(expansion_.plan, 0);
    for (const std::string& table : config_.tables) CollectTable(*FindTable(table));
    return std::move(results_);
  }

 private:
  void ChooseRate(size_t r) {
    const ExpandedRow& row = expansion_.rows[r];
    const bool searched =
        row.row.recipe.origin == Origin::kScratch || row.row.recipe.origin == Origin::kTuned;
    size_t chosen = 0;
    if (searched) {
      const std::vector<std::vector<double>> values = reader_.ValidationValues(expansion_.plan, row);
      const int best = BestRate(values);
      if (row.candidates.size() == 1 ? !IsTrained(row.candidates.front()) : best < 0) return;  // it failed
      chosen = static_cast<size_t>(std::max(best, 0));
      if (row.row.kind != TableKind::kParameters) results_.rates.push_back(ChoiceOf(row, values, chosen));
    }
    ExpandEvaluation(config_, datasets_, chosen, r, expansion_);
  }

  // With any seed.
  bool IsTrained(const Candidate& candidate) const {
    return std::any_of(candidate.models.begin(), candidate.models.end(),
                       [&](int64_t model) { return store_.IsComplete(expansion_.plan.stage(model)); });
  }

  static RateChoice ChoiceOf(const ExpandedRow& row, const std::vector<std::vector<double>>& values,
                             size_t chosen) {
    RateChoice choice{.table = row.row.table,
                      .dataset = row.row.dataset,
                      .head = report::RowHead(row.row.model, row.row.setting),
                      .rate = row.candidates[chosen].rate};
    if (!values[chosen].empty()) choice.validation = report::MomentsOf(values[chosen]).mean;
    choice.choices = std::count_if(values.begin(), values.end(),
                                   [](const std::vector<double>& of_rate) { return !of_rate.empty(); });
    choice.tried = static_cast<int64_t>(row.candidates.size());
    if (choice.tried == 1) choice.choices = 1;
    return choice;
  }

  void CollectTable(const TableSpec& table) {
    if (table.kind == TableKind::kDatasets) {
      CollectDatasets();
      return;
    }
    for (const ExpandedRow& row : expansion_.rows) {
      if (row.row.table != table.name) continue;
      Append(table.kind == TableKind::kParameters ? reader_.Parameters(expansion_.plan, row)
                                                  : reader_.Metrics(expansion_.plan, row));
    }
    for (TableTests& tests : TestsOfTable(table.name, expansion_, store_, results_.rows))
      results_.tests.push_back(std::move(tests));
  }

  void CollectDatasets() {
    for (size_t d = 0; d < datasets_.size(); ++d) {
      if (datasets_[d].crosses_domains()) continue;
      const int64_t stage = expansion_.datasets[d].front();
      if (stage >= 0 && !store_.IsComplete(expansion_.plan.stage(stage))) continue;
      const std::string path =
          stage < 0 ? datasets_[d].target().path : store_.OutputOf(expansion_.plan.stage(stage));
      Append(reader_.DatasetCounts(datasets_[d].name, path));
    }
  }

  void Append(std::vector<report::ResultRow> rows) {
    results_.rows.insert(results_.rows.end(), rows.begin(), rows.end());
  }

  const ExperimentConfig& config_;
  const std::vector<DatasetInput>& datasets_;
  const StageStore& store_;
  StageRunner& runner_;
  ResultsReader reader_;
  Expansion expansion_;
  ExperimentResults results_;
};

void WriteReport(const ExperimentConfig& config, const ExperimentResults& results) {
  const report::Report made = MakeReport(config, results);
  report::WriteResults(config.output + "/results.csv", results.rows);
  WriteFileDurably(config.output + "/report.md", report::MarkdownReport(made));
  WriteFileDurably(config.output + "/report.html", report::ReportHtml(made));
}

}  // namespace

std::string RunExperiment(const ExperimentConfig& config,
                          const std::function<void(const std::string& line)>& progress) {
  const StageProgram program{config.launcher, config.program};
  const StageStore store(config.output);
  for (const std::string& note : config.Notes()) progress(note);
  if (config.dry_run) {
    InputDigests digests("");
    const std::vector<DatasetInput> datasets = ResolveDatasets(config, digests);
    Expansion expansion = ExpandTraining(config, datasets);
    return DescribePlan(config, datasets, store, program, expansion);
  }
  const PrintedNumbers printed =
      config.printed.empty() ? PrintedNumbers() : PrintedNumbers::Read(config.printed);
  CreateFolder(config.output);
  const FolderLock lock(config.output + "/lock");
  InputDigests digests(config.output + "/input_digests");
  const std::vector<DatasetInput> datasets = ResolveDatasets(config, digests);
  const std::string program_digest = FileExists(config.program) ? digests.Of(config.program) : "";
  StageRunner runner(store, {program, program_digest, config.keep_going, config.parallel_stages, progress});
  WriteReport(config, Experiment(config, datasets, store, runner, printed).Run());
  const std::string wrote = "results.csv, report.md and report.html are in " + config.output + "\n";
  if (runner.failures().empty()) return wrote;
  throw Error(static_cast<ExitCode>(runner.first_exit_code()),
              std::to_string(runner.failures().size()) + " of the stages failed; of the others " + wrote +
                  "The first: " + runner.failures().front());
}

}  // namespace ppr::experiment
