#include "stages/stored_recommender.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "checkpoint/folder.h"
#include "recommender/profile_prediction.h"
#include "stages/format_1_rows.h"
#include "train/competitors/melu_recommender.h"
#include "train/competitors/minet_recommender.h"

namespace ppr::stages {
namespace {

// The profile fields that a stored model reads.
recommender::ProfileInput StoredFields(const StoredRun& run, const data::Dataset& dataset) {
  const StoredModel& model = run.model;
  if (model.profile_fields.empty()) return {};
  recommender::ProfileInput profile = recommender::MakeProfileInput(dataset, model.profile_fields);
  if (profile.vocabulary_sizes != model.vocabulary_sizes) {
    throw DataError(run.checkpoint.folder + ": its profile vocabularies have other sizes than those of " +
                    dataset.path);
  }
  return profile;
}

void TakeStoredValues(const StoredRun& run, recommender::ShardedModel& to) {
  checkpoint::TrainingState state;
  to.AppendState(&state);
  checkpoint::RestoreState(to.communicator(), run.checkpoint, state, checkpoint::Reading::kModel);
  if (run.checkpoint.manifest.version == 1) CatchUpFormat1Rows(run, to);
}

}  // namespace

StoredRun OpenForReading(dist::Communicator& communicator, const std::string& path,
                         const data::Dataset& dataset, const data::Dataset* source) {
  communicator.set_phase("reading checkpoint " + path);
  StoredRun run;
  run.checkpoint = checkpoint::OpenCheckpoint(
      communicator, checkpoint::ResolveCheckpoint(communicator, path, checkpoint::kBest));
  const checkpoint::StoredCheckpoint& checkpoint = run.checkpoint;
  if (checkpoint.manifest.dataset_digest != dataset.digest) {
    throw DataError(checkpoint.folder + ": was made from the dataset file with digest " +
                    checkpoint.manifest.dataset_digest + ", found " + dataset.digest + " in " + dataset.path +
                    "; items would be mixed up. Give the same dataset file");
  }
  run.model = ParseStoredModel(checkpoint.manifest.config_json, checkpoint.folder);
  const StoredModel& model = run.model;
  const bool two_domains = model.kind == ModelKind::kMinet;
  if (two_domains && source == nullptr) {
    throw ConfigError("source_dataset: expected the other domain's dataset.h5, since " + checkpoint.folder +
                      " is of minet, found nothing (evaluate takes it; tune starts from a sequence model)");
  }
  if (two_domains && source->digest != model.source_digest) {
    throw DataError(checkpoint.folder + ": was made with the other domain's dataset of digest " +
                    model.source_digest + ", found " + source->digest + " in " + source->path);
  }
  const int64_t items = dataset.num_items() + (two_domains ? source->num_items() : 0);
  if (checkpoint.manifest.num_items != items) {
    throw DataError(checkpoint.folder + ": expected " + std::to_string(items) + " items, found " +
                    std::to_string(checkpoint.manifest.num_items));
  }
  return run;
}

std::unique_ptr<recommender::Recommender> RestoreRecommender(dist::Communicator& communicator,
                                                             const StoredRun& run,
                                                             const data::Dataset& dataset) {
  const StoredModel& model = run.model;
  std::optional<model::PromptConfig> prompt;
  recommender::ProfileInput profile;
  if (model.has_prompt) {
    prompt = model.prompt;
    profile = StoredFields(run, dataset);
  }
  const int64_t classes =
      model.predict_field.empty() ? 0 : recommender::FindPredictedField(dataset, model.predict_field).classes;
  auto recommender = std::make_unique<recommender::Recommender>(communicator, model.encoder, prompt, profile,
                                                                dataset.num_items(), model.seed, classes);
  if (model.other_domain)
    recommender->SetUserVectors(at::zeros({dataset.num_users(), model.encoder.width}));  // read below
  TakeStoredValues(run, *recommender);
  return recommender;
}

std::unique_ptr<train::PairScorer> RestoreMelu(dist::Communicator& communicator, const StoredRun& run,
                                               const data::Dataset& dataset,
                                               const data::NegativeSampler& negatives) {
  const StoredModel& model = run.model;
  auto recommender = std::make_unique<train::MeluRecommender>(
      communicator, dataset, StoredFields(run, dataset), negatives, model.melu, model.loss,
      model.encoder.width, model.encoder.init_std, model.seed);
  TakeStoredValues(run, *recommender);
  return recommender;
}

std::unique_ptr<train::PairScorer> RestoreMinet(dist::Communicator& communicator, const StoredRun& run,
                                                const data::Dataset& dataset, const data::Dataset& source) {
  const StoredModel& model = run.model;
  auto recommender = std::make_unique<train::MinetRecommender>(
      communicator, dataset, source, StoredFields(run, dataset), model.minet, model.encoder.width,
      model.encoder.init_std, model.seed);
  TakeStoredValues(run, *recommender);
  return recommender;
}

}  // namespace ppr::stages
