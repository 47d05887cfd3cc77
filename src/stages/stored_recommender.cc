#include "stages/stored_recommender.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "optim/adam.h"
#include "recommender/profile_prediction.h"
#include "recommender/source_users.h"
#include "train/competitors/melu_recommender.h"
#include "train/competitors/minet_recommender.h"

namespace ppr::stages {
namespace {

bool HasRows(const checkpoint::LoadedCheckpoint& checkpoint, const std::string& name) {
  for (const checkpoint::NamedTensor& tensor : checkpoint.contents.rows) {
    if (tensor.name == name) return true;
  }
  return false;
}

// A checkpoint between two evaluations holds rows that wait for skipped steps; what scores must not.
void CatchUpStoredRows(const checkpoint::LoadedCheckpoint& checkpoint, const StoredModel& model,
                       at::Tensor rows) {
  if (!HasRows(checkpoint, "items/last_step")) return;
  optim::RowAdam adam(model.adam, model.learning_rate, rows.size(0), rows.size(1));
  adam.m.copy_(checkpoint.Rows("items/m", rows.sizes()));
  adam.v.copy_(checkpoint.Rows("items/v", rows.sizes()));
  adam.last_step.copy_(checkpoint.Rows("items/last_step", {rows.size(0)}));
  adam.CatchUpAll(std::move(rows), checkpoint.contents.step);
}

// The profile fields that a stored model reads.
recommender::ProfileInput StoredFields(const checkpoint::LoadedCheckpoint& checkpoint,
                                       const StoredModel& model, const data::Dataset& dataset) {
  if (model.profile_fields.empty()) return {};
  recommender::ProfileInput profile = recommender::MakeProfileInput(dataset, model.profile_fields);
  if (profile.vocabulary_sizes != model.vocabulary_sizes) {
    throw DataError(checkpoint.folder + ": its profile vocabularies have other sizes than those of " +
                    dataset.path);
  }
  return profile;
}

void TakeStoredValues(const checkpoint::LoadedCheckpoint& checkpoint, const StoredModel& model,
                      recommender::ShardedModel& to) {
  const at::Tensor values = to.parameters().values();
  values.copy_(checkpoint.Shared("dense/values", values.sizes()));
  const at::Tensor& rows = to.table().rows;
  rows.copy_(checkpoint.Rows("items/rows", rows.sizes()));
  CatchUpStoredRows(checkpoint, model, rows);
}

}  // namespace

checkpoint::LoadedCheckpoint LoadForReading(dist::Communicator& communicator, const std::string& path,
                                            const data::Dataset& dataset, const data::Dataset* source) {
  communicator.set_phase("reading checkpoint " + path);
  checkpoint::LoadedCheckpoint checkpoint =
      checkpoint::ReadCheckpoint(communicator, checkpoint::ResolveCheckpoint(communicator, path, "BEST"));
  if (checkpoint.contents.dataset_digest != dataset.digest) {
    throw DataError(checkpoint.folder + ": was made from the dataset file with digest " +
                    checkpoint.contents.dataset_digest + ", found " + dataset.digest + " in " + dataset.path +
                    "; items would be mixed up. Give the same dataset file");
  }
  const StoredModel model = ParseStoredModel(checkpoint.contents.config_json, checkpoint.folder);
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
  if (checkpoint.contents.num_items != items) {
    throw DataError(checkpoint.folder + ": expected " + std::to_string(items) + " items, found " +
                    std::to_string(checkpoint.contents.num_items));
  }
  return checkpoint;
}

std::unique_ptr<recommender::Recommender> RestoreRecommender(dist::Communicator& communicator,
                                                             const checkpoint::LoadedCheckpoint& checkpoint,
                                                             const data::Dataset& dataset) {
  const StoredModel model = ParseStoredModel(checkpoint.contents.config_json, checkpoint.folder);
  std::optional<model::PromptConfig> prompt;
  recommender::ProfileInput profile;
  if (model.has_prompt) {
    prompt = model.prompt;
    profile = StoredFields(checkpoint, model, dataset);
  }
  const int64_t classes =
      model.predict_field.empty() ? 0 : recommender::FindPredictedField(dataset, model.predict_field).classes;
  auto recommender = std::make_unique<recommender::Recommender>(communicator, model.encoder, prompt, profile,
                                                                dataset.num_items(), model.seed, classes);
  if (model.other_domain) {
    recommender->SetUserVectors(
        checkpoint.Shared(recommender::kUserVectorsTensor, {dataset.num_users(), model.encoder.width})
            .clone());
  }
  TakeStoredValues(checkpoint, model, *recommender);
  return recommender;
}

std::unique_ptr<train::PairScorer> RestoreMelu(dist::Communicator& communicator,
                                               const checkpoint::LoadedCheckpoint& checkpoint,
                                               const StoredModel& model, const data::Dataset& dataset,
                                               const data::NegativeSampler& negatives) {
  auto recommender = std::make_unique<train::MeluRecommender>(
      communicator, dataset, StoredFields(checkpoint, model, dataset), negatives, model.melu, model.loss,
      model.encoder.width, model.encoder.init_std, model.seed);
  TakeStoredValues(checkpoint, model, *recommender);
  return recommender;
}

std::unique_ptr<train::PairScorer> RestoreMinet(dist::Communicator& communicator,
                                                const checkpoint::LoadedCheckpoint& checkpoint,
                                                const StoredModel& model, const data::Dataset& dataset,
                                                const data::Dataset& source) {
  auto recommender = std::make_unique<train::MinetRecommender>(
      communicator, dataset, source, StoredFields(checkpoint, model, dataset), model.minet,
      model.encoder.width, model.encoder.init_std, model.seed);
  TakeStoredValues(checkpoint, model, *recommender);
  return recommender;
}

}  // namespace ppr::stages
