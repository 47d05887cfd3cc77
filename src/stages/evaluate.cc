// ppr evaluate: a checkpoint or a popularity baseline on stored candidates and on the full catalogue, in one
// pass.

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "evaluation/case_file.h"
#include "evaluation/popularity.h"
#include "stages/stages.h"
#include "stages/stored_recommender.h"
#include "train/case_validation.h"

namespace ppr::stages {
namespace {

data::CasePart PartOf(const EvaluateConfig& config, const data::Dataset& dataset) {
  if (config.part != "auto") return *settings::ValueNamed<data::CasePart>(config.part);
  return dataset.protocol == data::Protocol::kLeaveOneOut ? data::CasePart::kTest : data::CasePart::kColdTest;
}

std::vector<int64_t> CasesOf(const EvaluateConfig& config, const data::Dataset& dataset) {
  if (config.task == evaluation::EvaluationTask::kProfile)
    throw ConfigError(
        "task: expected few_shot, zero_shot or joint, found profile: the checkpoint says so itself");
  const data::CasePart part = PartOf(config, dataset);
  std::vector<int64_t> cases = evaluation::SelectCases(dataset, part, config.task, config.shots);
  if (cases.empty()) {
    throw DataError(dataset.path + ": expected cases of part " + settings::NameOf(part) + " for task " +
                    settings::NameOf(config.task) + ", found none");
  }
  return cases;
}

// The users whose profile values are asked for: those that the part's cases are of.
data::UserPart UsersOfPart(data::CasePart part) {
  if (part == data::CasePart::kColdTest) return data::UserPart::kColdTest;
  if (part == data::CasePart::kColdDev) return data::UserPart::kColdDev;
  throw ConfigError("part: expected cold_dev or cold_test for profile prediction, found " +
                    settings::NameOf(part));
}

struct Scored {
  evaluation::CaseResults results;
  std::string checkpoint_digest;
};

nlohmann::json MeansJson(const evaluation::MetricMeans& means) {
  nlohmann::json json = {{"cases", means.cases}};
  for (const std::string& name : evaluation::MetricNames()) json[name] = means.Named(name);
  return json;
}

void WriteCases(const EvaluateConfig& config, const data::Dataset& dataset, const Scored& scored,
                const EvaluationReport& report) {
  CreateFolder(config.output);
  evaluation::WriteCaseFile(config.output + "/cases.tsv", dataset, scored.results, scored.checkpoint_digest,
                            report.task);
  nlohmann::json json = {{"task", report.task},
                         {"part", report.part},
                         {"dataset_digest", dataset.digest},
                         {"candidates_digest", dataset.cases.digest},
                         {"checkpoint_digest", scored.checkpoint_digest},
                         {"baseline", settings::NameOf(config.baseline)},
                         {"stored_candidates", MeansJson(report.candidates)}};
  if (report.catalogue.cases > 0) json["full_catalogue"] = MeansJson(report.catalogue);
  WriteFileDurably(config.output + "/metrics.json", json.dump(2) + "\n");
}

void WriteProfiles(const EvaluateConfig& config, const data::Dataset& dataset,
                   const recommender::PredictedField& field,
                   const recommender::ProfilePredictions& predictions, const std::string& checkpoint_digest,
                   const EvaluationReport& report) {
  CreateFolder(config.output);
  recommender::WritePredictions(config.output + "/predictions.tsv", dataset, field, predictions);
  const recommender::ClassificationMetrics& metrics = *report.profile;
  const nlohmann::json json = {{"task", report.task},
                               {"part", report.part},
                               {"dataset_digest", dataset.digest},
                               {"checkpoint_digest", checkpoint_digest},
                               {"field", field.name},
                               {"profile",
                                {{"cases", metrics.cases},
                                 {"acc", metrics.accuracy},
                                 {"precision", metrics.precision},
                                 {"recall", metrics.recall},
                                 {"f1", metrics.f1}}}};
  WriteFileDurably(config.output + "/metrics.json", json.dump(2) + "\n");
}

EvaluationReport EvaluateProfiles(dist::Communicator& communicator, const EvaluateConfig& config,
                                  const data::Dataset& dataset, recommender::Recommender& recommender,
                                  const recommender::PredictedField& field,
                                  const std::string& checkpoint_digest) {
  const data::CasePart part = PartOf(config, dataset);
  const std::vector<int32_t> users =
      recommender::UsersWithValue(dataset, data::UsersOf(dataset, UsersOfPart(part)), field);
  if (users.empty()) {
    throw DataError(dataset.path + ": expected users of part " + settings::NameOf(part) +
                    " with a value of " + field.name + ", found none");
  }
  const recommender::ProfilePredictions predictions =
      recommender::PredictProfiles(recommender, dataset, users, field, config.batch_cases);
  EvaluationReport report{.task = settings::NameOf(evaluation::EvaluationTask::kProfile),
                          .part = settings::NameOf(part)};
  report.profile = recommender::MetricsOf(predictions.labels, predictions.predicted, field.classes,
                                          recommender::RarestClass(dataset, field));
  if (communicator.rank() == 0 && !config.output.empty())
    WriteProfiles(config, dataset, field, predictions, checkpoint_digest, report);
  return report;
}

EvaluationReport ReportOf(dist::Communicator& communicator, const EvaluateConfig& config,
                          const data::Dataset& dataset, const Scored& scored) {
  EvaluationReport report{.task = settings::NameOf(config.task),
                          .part = settings::NameOf(PartOf(config, dataset)),
                          .candidates = evaluation::MeansOf(scored.results.candidates)};
  if (!scored.results.catalogue.empty()) report.catalogue = evaluation::MeansOf(scored.results.catalogue);
  if (communicator.rank() == 0 && !config.output.empty()) WriteCases(config, dataset, scored, report);
  return report;
}

EvaluationReport EvaluateBaseline(dist::Communicator& communicator, const EvaluateConfig& config,
                                  const data::Dataset& dataset) {
  const std::vector<int64_t> cases = CasesOf(config, dataset);
  const auto results = config.baseline == Baseline::kPopularity ? evaluation::EvaluatePopularity
                                                                : evaluation::EvaluatePositionPopularity;
  return ReportOf(communicator, config, dataset, {results(dataset, cases, config.full_catalogue), ""});
}

EvaluationReport EvaluateRecommender(dist::Communicator& communicator, const EvaluateConfig& config,
                                     const data::Dataset& dataset, const StoredRun& run) {
  const std::unique_ptr<recommender::Recommender> recommender =
      RestoreRecommender(communicator, run, dataset);
  recommender->UseCompute(config.compute);
  communicator.set_phase("evaluation of " + run.checkpoint.folder);
  if (!run.model.predict_field.empty()) {
    return EvaluateProfiles(communicator, config, dataset, *recommender,
                            recommender::FindPredictedField(dataset, run.model.predict_field), run.digest());
  }
  const evaluation::CaseResults results = evaluation::EvaluateCases(
      communicator, dataset, recommender->table(), CasesOf(config, dataset),
      train::UserVectorsOf(*recommender, dataset), config.full_catalogue, config.batch_cases);
  return ReportOf(communicator, config, dataset, {results, run.digest()});
}

// Against the stored candidates alone: a pair scorer has no user vector to count the catalogue with.
EvaluationReport EvaluatePairs(dist::Communicator& communicator, const EvaluateConfig& config,
                               const data::Dataset& dataset, train::PairScorer& scorer,
                               const StoredRun& run) {
  communicator.set_phase("evaluation of " + run.checkpoint.folder);
  const evaluation::CaseResults results = evaluation::EvaluateScoredCases(
      communicator, dataset, CasesOf(config, dataset), train::ScoresOf(scorer));
  return ReportOf(communicator, config, dataset, {results, run.digest()});
}

}  // namespace

std::string EvaluationReport::ToText() const {
  if (profile) {
    return Format("%s, %s users\n%9s%10s%10s%10s%10s\n%9s%10.4f%10.4f%10.4f%10.4f\n", task.c_str(),
                  part.c_str(), "users", "accuracy", "precision", "recall", "f1",
                  WithThousands(profile->cases).c_str(), profile->accuracy, profile->precision,
                  profile->recall, profile->f1);
  }
  std::string text = Format("%s, %s users, %s cases\n%-20s", task.c_str(), part.c_str(),
                            WithThousands(candidates.cases).c_str(), "ranked against");
  for (const std::string& name : evaluation::MetricNames()) text += Format("%9s", name.c_str());
  const auto row = [&text](const char* label, const evaluation::MetricMeans& means) {
    text += Format("\n%-20s", label);
    for (const std::string& name : evaluation::MetricNames()) text += Format("%9.4f", means.Named(name));
  };
  row("stored candidates", candidates);
  if (catalogue.cases > 0) row("full catalogue", catalogue);
  return text + "\n";
}

EvaluationReport Evaluate(dist::Communicator& communicator, const EvaluateConfig& config) {
  const data::Dataset dataset = data::ReadDataset(config.dataset);
  if (config.baseline != Baseline::kNone) return EvaluateBaseline(communicator, config, dataset);
  std::optional<data::Dataset> source;
  if (!config.source_dataset.empty()) source = data::ReadDataset(config.source_dataset);
  const StoredRun run = OpenForReading(communicator, config.checkpoint, dataset, source ? &*source : nullptr);
  if (source && run.model.kind != ModelKind::kMinet) {
    throw ConfigError("source_dataset: expected nothing for " + run.checkpoint.folder + ", which is of " +
                      settings::NameOf(run.model.kind) + " and reads one dataset, found " +
                      config.source_dataset);
  }
  if (run.model.kind == ModelKind::kMelu) {
    const data::NegativeSampler negatives(dataset, run.model.seed);
    const auto scorer = RestoreMelu(communicator, run, dataset, negatives);
    return EvaluatePairs(communicator, config, dataset, *scorer, run);
  }
  if (run.model.kind == ModelKind::kMinet) {
    const auto scorer = RestoreMinet(communicator, run, dataset, *source);
    return EvaluatePairs(communicator, config, dataset, *scorer, run);
  }
  return EvaluateRecommender(communicator, config, dataset, run);
}

}  // namespace ppr::stages
