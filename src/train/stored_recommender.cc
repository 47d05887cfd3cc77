#include "train/stored_recommender.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace ppr::train {
namespace {

bool HasRows(const LoadedCheckpoint& checkpoint, const std::string& name) {
  for (const NamedTensor& tensor : checkpoint.contents.rows) {
    if (tensor.name == name) return true;
  }
  return false;
}

// A checkpoint between two evaluations holds rows that wait for skipped steps; what scores must not.
void CatchUpStoredRows(const LoadedCheckpoint& checkpoint, const StoredModel& model, at::Tensor rows) {
  if (!HasRows(checkpoint, "items/last_step")) return;
  RowAdam adam(model.adam, model.learning_rate, rows.size(0), rows.size(1));
  adam.m.copy_(checkpoint.Rows("items/m", rows.sizes()));
  adam.v.copy_(checkpoint.Rows("items/v", rows.sizes()));
  adam.last_step.copy_(checkpoint.Rows("items/last_step", {rows.size(0)}));
  adam.CatchUpAll(std::move(rows), checkpoint.contents.step);
}

}  // namespace

LoadedCheckpoint LoadForReading(dist::Communicator& communicator, const std::string& path,
                                const data::Dataset& dataset) {
  communicator.set_phase("reading checkpoint " + path);
  LoadedCheckpoint checkpoint = ReadCheckpoint(communicator, ResolveCheckpoint(communicator, path, "BEST"));
  if (checkpoint.contents.dataset_digest != dataset.digest) {
    throw DataError(checkpoint.folder + ": was made from the dataset file with digest " +
                    checkpoint.contents.dataset_digest + ", found " + dataset.digest + " in " + dataset.path +
                    "; items would be mixed up. Give the same dataset file");
  }
  if (checkpoint.contents.num_items != dataset.num_items()) {
    throw DataError(checkpoint.folder + ": expected " + std::to_string(dataset.num_items()) +
                    " items, found " + std::to_string(checkpoint.contents.num_items));
  }
  return checkpoint;
}

std::unique_ptr<Recommender> RestoreRecommender(dist::Communicator& communicator,
                                                const LoadedCheckpoint& checkpoint,
                                                const data::Dataset& dataset) {
  const StoredModel model = ParseStoredModel(checkpoint.contents.config_json, checkpoint.folder);
  std::optional<model::PromptConfig> prompt;
  ProfileInput profile;
  if (model.has_prompt) {
    prompt = model.prompt;
    profile = MakeProfileInput(dataset, model.profile_fields);
    if (model.profile_fields.empty()) profile = {};
    if (profile.vocabulary_sizes != model.vocabulary_sizes) {
      throw DataError(checkpoint.folder + ": its profile vocabularies have other sizes than those of " +
                      dataset.path);
    }
  }
  auto recommender = std::make_unique<Recommender>(communicator, model.encoder, prompt, profile,
                                                   dataset.num_items(), model.seed);
  const at::Tensor values = recommender->parameters().values();
  values.copy_(checkpoint.Shared("dense/values", values.sizes()));
  const at::Tensor& rows = recommender->table().rows;
  rows.copy_(checkpoint.Rows("items/rows", rows.sizes()));
  CatchUpStoredRows(checkpoint, model, rows);
  return recommender;
}

}  // namespace ppr::train
