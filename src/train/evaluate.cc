// ppr evaluate: a checkpoint or a popularity baseline on stored candidates and on the full catalogue, in one
// pass.

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "train/ranking.h"
#include "train/setting_names.h"
#include "train/stages.h"
#include "train/stored_recommender.h"
#include "train/training_loop.h"

namespace ppr::train {
namespace {

data::CasePart PartOf(const EvaluateConfig& config, const data::Dataset& dataset) {
  if (config.part != "auto") return *ValueNamed<data::CasePart>(config.part);
  return dataset.protocol == data::Protocol::kLeaveOneOut ? data::CasePart::kTest : data::CasePart::kColdTest;
}

struct Scored {
  CaseResults results;
  std::string checkpoint_digest;
};

Scored Score(dist::Communicator& communicator, const EvaluateConfig& config, const data::Dataset& dataset,
             const std::vector<int64_t>& cases) {
  if (config.baseline == Baseline::kPopularity)
    return {EvaluatePopularity(dataset, cases, config.full_catalogue), ""};
  if (config.baseline == Baseline::kPositionPopularity) {
    return {EvaluatePositionPopularity(dataset, cases, config.full_catalogue), ""};
  }
  LoadedCheckpoint checkpoint = LoadForReading(communicator, config.checkpoint, dataset);
  const std::unique_ptr<Recommender> recommender = RestoreRecommender(communicator, checkpoint, dataset);
  recommender->UseCompute(config.compute);
  checkpoint.DropTensors();
  communicator.set_phase("evaluation of " + checkpoint.folder);
  return {EvaluateCases(communicator, dataset, recommender->table(), cases,
                        UserVectorsOf(*recommender, dataset), config.full_catalogue, config.batch_cases),
          checkpoint.digest};
}

nlohmann::json MeansJson(const MetricMeans& means) {
  nlohmann::json json = {{"cases", means.cases}};
  for (const std::string& name : MetricNames()) json[name] = means.Named(name);
  return json;
}

void WriteResults(const EvaluateConfig& config, const data::Dataset& dataset, const Scored& scored,
                  const EvaluationReport& report) {
  CreateFolder(config.output);
  WriteCaseFile(config.output + "/cases.tsv", dataset, scored.results, scored.checkpoint_digest, report.task);
  nlohmann::json json = {{"task", report.task},
                         {"part", report.part},
                         {"dataset_digest", dataset.digest},
                         {"candidates_digest", dataset.cases.digest},
                         {"checkpoint_digest", scored.checkpoint_digest},
                         {"baseline", NameOf(config.baseline)},
                         {"stored_candidates", MeansJson(report.candidates)}};
  if (report.catalogue.cases > 0) json["full_catalogue"] = MeansJson(report.catalogue);
  WriteFileDurably(config.output + "/metrics.json", json.dump(2) + "\n");
}

}  // namespace

std::string EvaluationReport::ToText() const {
  std::string text = Format("%s, %s users, %s cases\n%-20s", task.c_str(), part.c_str(),
                            WithThousands(candidates.cases).c_str(), "ranked against");
  for (const std::string& name : MetricNames()) text += Format("%9s", name.c_str());
  const auto row = [&text](const char* label, const MetricMeans& means) {
    text += Format("\n%-20s", label);
    for (const std::string& name : MetricNames()) text += Format("%9.4f", means.Named(name));
  };
  row("stored candidates", candidates);
  if (catalogue.cases > 0) row("full catalogue", catalogue);
  return text + "\n";
}

EvaluationReport Evaluate(dist::Communicator& communicator, const EvaluateConfig& config) {
  const data::Dataset dataset = data::ReadDataset(config.dataset);
  const data::CasePart part = PartOf(config, dataset);
  const std::vector<int64_t> cases = SelectCases(dataset, part, config.task);
  if (cases.empty()) {
    throw DataError(dataset.path + ": expected cases of part " + NameOf(part) + " for task " +
                    NameOf(config.task) + ", found none");
  }
  const Scored scored = Score(communicator, config, dataset, cases);
  EvaluationReport report{
      .task = NameOf(config.task), .part = NameOf(part), .candidates = MeansOf(scored.results.candidates)};
  if (config.full_catalogue) report.catalogue = MeansOf(scored.results.catalogue);
  if (communicator.rank() == 0 && !config.output.empty()) WriteResults(config, dataset, scored, report);
  return report;
}

}  // namespace ppr::train
