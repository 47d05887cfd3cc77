#include "train/training_loop.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/folder.h"

#include "base/logging.h"

namespace ppr::train {
namespace {

constexpr int64_t kLogEverySteps = 50;

}  // namespace

TrainingLoop::TrainingLoop(recommender::ShardedModel& model, TrainingStep& step, const data::Dataset& dataset,
                           data::EpochPlan& plan, const TrainingConfig& config, LoopInputs inputs)
    : model_(model),
      step_(step),
      dataset_(dataset),
      plan_(plan),
      config_(config),
      inputs_(std::move(inputs)) {
  const std::string identity = inputs_.config_json + dataset_.digest + inputs_.parent_digest;
  run_id_ = DigestOfBytes(identity.data(), identity.size());
}

// Rank 0 looks at the folder, all ranks learn what it saw.
void TrainingLoop::PrepareRunFolder() {
  dist::Communicator& communicator = model_.communicator();
  const std::string checkpoints = checkpoint::CheckpointsFolder(config_.output);
  const std::string latest = checkpoints + "/" + checkpoint::kLatest;
  const bool started =
      dist::BroadcastText(communicator, lead() && FileExists(latest) ? "yes" : "no") == "yes";
  if (started && !config_.resume) {
    throw ConfigError("output folder " + config_.output +
                      " already holds a run: give --resume to go on with it, or name another folder");
  }
  if (started) {
    Resume();
    return;
  }
  if (lead()) {
    CreateFolder(checkpoints);
    if (!inputs_.resolved_flags.empty())
      WriteFileDurably(config_.output + "/config.flags", inputs_.resolved_flags);
    metrics_ = std::make_unique<MetricsLog>(config_.output + "/metrics.jsonl", -1);
  }
}

void TrainingLoop::Resume() {
  dist::Communicator& communicator = model_.communicator();
  const checkpoint::StoredCheckpoint checkpoint = checkpoint::OpenCheckpoint(
      communicator, checkpoint::ResolveCheckpoint(communicator, config_.output, checkpoint::kLatest));
  const checkpoint::Manifest& contents = checkpoint.manifest;
  std::vector<std::string> problems = inputs_.differences(contents.config_json, inputs_.config_json);
  if (contents.kind != inputs_.stage)
    problems.push_back("stage: the checkpoint is of " + contents.kind + ", this run is " + inputs_.stage);
  if (contents.dataset_digest != dataset_.digest)
    problems.push_back("dataset: not the file that the run began with (" + dataset_.path + ")");
  if (contents.parent_digest != inputs_.parent_digest)
    problems.push_back("checkpoint: not the one that the run began with");
  if (!problems.empty()) {
    std::string text = "cannot resume " + checkpoint.folder + ":";
    for (const std::string& problem : problems) text += "\n  " + problem;
    throw ConfigError(text + "\nGive the settings of the run's config.flags, or another output folder");
  }
  progress_ = ParseProgress(contents.progress_json, checkpoint.folder);
  checkpoint::RestoreState(communicator, checkpoint, State(), checkpoint::Reading::kResume);
  if (lead()) metrics_ = std::make_unique<MetricsLog>(config_.output + "/metrics.jsonl", progress_.step);
  LOG(INFO) << "resumed " << checkpoint.folder << " (written by " << contents.world_size << " ranks) at step "
            << progress_.step;
}

checkpoint::TrainingState TrainingLoop::State() const {
  checkpoint::TrainingState state;
  model_.AppendState(&state);
  step_.AppendState(&state);
  return state;
}

// A checkpoint between two evaluations finds rows that wait for steps that they skipped. Readers get them
// brought up to date, but the run goes on with the rows as they are: bringing them up to date costs each a
// rounding, and when a run saves must not be part of its bits.
checkpoint::TrainingState TrainingLoop::StateToWrite() const {
  checkpoint::TrainingState state = State();
  optim::RowOptimiser* const rows = step_.row_optimiser();
  if (rows == nullptr) return state;
  at::Tensor behind = at::tensor({rows->AllRowsAt(progress_.step) ? 0 : 1}, at::kLong);
  model_.communicator().AllReduce(behind);
  if (behind.item<int64_t>() == 0) return state;
  for (checkpoint::StateTensor& entry : state) {
    if (entry.name != checkpoint::kItemRows) continue;
    entry.up_to_date = [rows, live = entry.tensor, step = progress_.step](int64_t first,
                                                                          const at::Tensor& to) {
      rows->CopyCaughtUp(live, first, step, to);
    };
  }
  return state;
}

void TrainingLoop::Commit(bool best) {
  model_.communicator().set_phase("checkpoint of step " + std::to_string(progress_.step));
  checkpoint::CheckpointContents contents{.kind = inputs_.stage,
                                          .run_id = run_id_,
                                          .step = progress_.step,
                                          .config_json = inputs_.config_json,
                                          .progress_json = ProgressJson(progress_),
                                          .dataset_digest = dataset_.digest,
                                          .parent_digest = inputs_.parent_digest,
                                          .num_items = model_.table().owners.num_items()};
  contents.state = StateToWrite();
  if (lead())
    metrics_->Sync();  // what the log says of these steps must not be lost when the checkpoint is kept
  checkpoint::WriteCheckpoint(model_.communicator(), config_.output, contents,
                              {.keep = static_cast<int>(config_.keep_checkpoints), .mark_best = best});
}

double TrainingLoop::Evaluate() {
  model_.communicator().set_phase("evaluation at step " + std::to_string(progress_.step));
  step_.CatchUpRows(progress_.step);
  return inputs_.validate();
}

void TrainingLoop::EvaluateAndCommit() {
  progress_.evaluated_step = progress_.step;
  if (!inputs_.validate) {
    // Nothing to choose by: the newest is the best.
    step_.CatchUpRows(progress_.step);
    progress_.best_step = progress_.step;
    progress_.best_metric = 0;
    Commit(true);
    return;
  }
  const double value = Evaluate();
  const bool best = value > progress_.best_metric;
  if (best) {
    progress_.best_metric = value;
    progress_.best_step = progress_.step;
  }
  if (config_.patience_steps > 0 && progress_.step - progress_.best_step >= config_.patience_steps)
    progress_.stopped_early = true;
  if (lead()) {
    metrics_->Append(nlohmann::json{
        {"step", progress_.step}, {"epoch", progress_.epoch}, {"validation", {{inputs_.metric, value}}}}
                         .dump());
    line_->Note(Format("%s  step %lld  validation %s %.4f%s", inputs_.stage.c_str(),
                       static_cast<long long>(progress_.step), inputs_.metric.c_str(), value,
                       best ? "  (best so far)" : ""));
  }
  Commit(best);
}

bool TrainingLoop::AtEvaluation(int64_t batches) const {
  return config_.evaluate_every_steps > 0 ? progress_.step % config_.evaluate_every_steps == 0
                                          : progress_.batch == batches;
}

void TrainingLoop::LogStep(const StepResult& result) {
  if (!lead()) return;
  line_->Update(progress_.step, progress_.epoch, result.loss, result.targets);
  if (progress_.step % kLogEverySteps != 0) return;
  nlohmann::json line = {{"step", progress_.step}, {"epoch", progress_.epoch}, {"loss", result.loss}};
  if (result.contrastive != 0) line["contrastive_loss"] = result.contrastive;
  metrics_->Append(line.dump());
}

bool TrainingLoop::Finished() const {
  const bool at_limit =
      progress_.epoch >= config_.max_epochs || (config_.max_steps > 0 && progress_.step >= config_.max_steps);
  return at_limit || progress_.stopped_early;
}

bool TrainingLoop::Advance() {
  const int64_t batches = plan_.NumBatches(progress_.epoch, config_.batch_size);
  // A copy: asking the plan for the next epoch ends the life of this one's sequences.
  const auto here = plan_.Batch(progress_.epoch, progress_.batch, config_.batch_size);
  batch_.assign(here.begin(), here.end());
  const bool ends_epoch = progress_.batch + 1 == batches;
  GlobalBatch next{.epoch = progress_.epoch + (ends_epoch ? 1 : 0), .step = progress_.step + 2};
  const bool goes_on =
      next.epoch < config_.max_epochs && !(config_.max_steps > 0 && next.step > config_.max_steps);
  if (goes_on)
    next.sequences = plan_.Batch(next.epoch, ends_epoch ? 0 : progress_.batch + 1, config_.batch_size);
  const StepResult result = step_.Run(progress_.epoch, progress_.step + 1, batch_, goes_on ? &next : nullptr);
  ++progress_.step;
  ++progress_.batch;
  LogStep(result);
  const bool evaluates = AtEvaluation(batches);
  if (progress_.batch == batches) {
    progress_.batch = 0;
    ++progress_.epoch;
  }
  if (evaluates || Finished()) {
    EvaluateAndCommit();
  } else if (result.stop_requested ||
             (config_.checkpoint_every_steps > 0 && progress_.step % config_.checkpoint_every_steps == 0)) {
    Commit(false);
  }
  if (result.stop_requested && !Finished()) {
    throw StoppedOnRequest(
        Format("stopped on request after step %lld; the checkpoint is committed: start again with --resume",
               static_cast<long long>(progress_.step)));
  }
  return !Finished();
}

// What stands against training, before anything is written. The same on all ranks.
void TrainingLoop::RefuseWhatCannotTrain() {
  for (const std::string& digest : dist::AllGatherText(model_.communicator(), dataset_.digest)) {
    if (digest != dataset_.digest) {
      throw DataError(dataset_.path + ": expected the same file on all ranks, found digests " +
                      dataset_.digest + " and " + digest + "; is a copy on some node out of date?");
    }
  }
  if (plan_.NumBatches(0, config_.batch_size) == 0)
    throw DataError(dataset_.path + ": expected users of this stage with clicks to train on, found none");
  if (!inputs_.validate && config_.patience_steps > 0) {
    throw ConfigError(
        "patience_steps: expected validation cases in " + dataset_.path +
        " to stop early by, found none; give --patience_steps=0 and a limit of epochs or steps");
  }
}

StageResult TrainingLoop::Run() {
  RefuseWhatCannotTrain();
  PrepareRunFolder();
  if (lead()) {
    const int64_t epoch_steps = plan_.NumBatches(progress_.epoch, config_.batch_size);
    int64_t total = config_.max_epochs * epoch_steps;
    if (config_.max_steps > 0) total = std::min(total, config_.max_steps);
    line_ = std::make_unique<ProgressLine>(config_.progress, inputs_.stage, total);
  }
  // Resumed past a limit that was lowered, from a checkpoint between two evaluations: it still has to be
  // judged.
  if (Finished() && progress_.evaluated_step != progress_.step) EvaluateAndCommit();
  while (!Finished() && Advance()) {
  }
  if (line_) line_->Finish();
  return Result(checkpoint::ResolveCheckpoint(model_.communicator(), config_.output, checkpoint::kBest));
}

StageResult TrainingLoop::Result(const std::string& best_checkpoint) const {
  StageResult result{.steps = progress_.step,
                     .metric = inputs_.metric,
                     .best_metric = progress_.best_metric,
                     .best_step = progress_.best_step,
                     .validated = static_cast<bool>(inputs_.validate),
                     .best_checkpoint = best_checkpoint};
  result.text = Format("%s: %s steps, %lld epochs; ", inputs_.stage.c_str(),
                       WithThousands(progress_.step).c_str(), static_cast<long long>(progress_.epoch));
  result.text += !inputs_.validate
                     ? "not validated (no cases), the newest counts as the best\n"
                     : Format("best %s %.4f at step %s\n", inputs_.metric.c_str(), progress_.best_metric,
                              WithThousands(progress_.best_step).c_str());
  result.text += "best checkpoint: " + best_checkpoint + "\n";
  return result;
}

}  // namespace ppr::train
