#include "stages/stage_config.h"

#include <cmath>

#include "base/nearest_name.h"
#include "base/text_format.h"
#include "evaluation/metrics.h"
#include "stages/setting_names.h"

namespace ppr::train {
namespace {

// Collects problems, one a line: "name: expected ..., found ...".
class Findings {
 public:
  void Expect(bool ok, const std::string& name, const std::string& expected, const std::string& found) {
    if (!ok) problems_.push_back(name + ": expected " + expected + ", found " + found);
  }
  void AtLeast(const std::string& name, int64_t value, int64_t least) {
    Expect(value >= least, name, "at least " + std::to_string(least), std::to_string(value));
  }
  // A count that fits 31 bits, so that products of two never overflow.
  void Count(const std::string& name, int64_t value, int64_t least) {
    constexpr int64_t kMost = (int64_t{1} << 31) - 1;
    Expect(value >= least && value <= kMost, name,
           value > kMost ? "at most " + std::to_string(kMost) : "at least " + std::to_string(least),
           std::to_string(value));
  }
  void Positive(const std::string& name, double value) {
    Expect(std::isfinite(value) && value > 0, name, "a positive number", Format("%g", value));
  }
  void Share(const std::string& name, double value) {
    Expect(value >= 0 && value < 1, name, "a share in [0, 1)", Format("%g", value));
  }
  void Given(const std::string& name, const std::string& value) {
    if (value.empty()) problems_.push_back(name + ": expected a path, found nothing");
  }
  void Append(const std::vector<std::string>& more) {
    problems_.insert(problems_.end(), more.begin(), more.end());
  }
  std::vector<std::string> Take() { return std::move(problems_); }

 private:
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> TrainingConfig::Problems() const {
  Findings findings;
  findings.Given("dataset", dataset);
  findings.Given("output", output);
  findings.Count("batch_size", batch_size, 1);
  findings.AtLeast("max_epochs", max_epochs, 1);
  findings.AtLeast("max_steps", max_steps, 0);
  findings.Count("negatives", negatives, 1);
  findings.Positive("learning_rate", learning_rate.base);
  findings.AtLeast("warmup_steps", learning_rate.warmup_steps, 0);
  findings.AtLeast("patience_steps", patience_steps, 0);
  findings.AtLeast("evaluate_every_steps", evaluate_every_steps, 0);
  findings.AtLeast("checkpoint_every_steps", checkpoint_every_steps, 0);
  findings.Count("keep_checkpoints", keep_checkpoints, 2);
  const std::vector<std::string> names = MetricNames();
  bool known = false;
  for (const std::string& name : names) known = known || name == metric;
  findings.Expect(known, "metric", "one of auc, hit@N, ndcg@N, mrr" + DidYouMean(metric, names),
                  "\"" + metric + "\"");
  findings.Append(adam.Problems());
  return findings.Take();
}

std::vector<std::string> SequenceAugmentation::Problems() const {
  Findings findings;
  findings.Expect(std::isfinite(weight) && weight >= 0, "pair_weight", "a number >= 0", Format("%g", weight));
  findings.Positive("pair_temperature", temperature);
  findings.Expect(crop > 0 && crop <= 1, "crop_share", "a share in (0, 1]", Format("%g", crop));
  findings.Share("mask_share", mask);
  findings.Expect(reorder >= 0 && reorder <= 1, "reorder_share", "a share in [0, 1]", Format("%g", reorder));
  return findings.Take();
}

std::vector<std::string> MaskedItems::Problems() const {
  Findings findings;
  findings.Expect(ratio > 0 && ratio < 1, "hidden_ratio", "a share in (0, 1)", Format("%g", ratio));
  findings.Expect(last_share >= 0 && last_share <= 1, "hidden_last_share", "a share in [0, 1]",
                  Format("%g", last_share));
  return findings.Take();
}

std::vector<std::string> MeluSettings::Problems() const {
  Findings findings;
  findings.Positive("local_rate", local_rate);
  findings.AtLeast("local_steps", local_steps, 0);
  findings.Count("support_clicks", support_clicks, 1);
  return findings.Take();
}

std::vector<std::string> MinetSettings::Problems() const {
  Findings findings;
  findings.Count("target_clicks", target_clicks, 1);
  findings.Count("source_clicks", source_clicks, 1);
  return findings.Take();
}

std::vector<std::string> PretrainConfig::Problems() const {
  Findings findings;
  findings.Append(training.Problems());
  findings.Append(encoder.Problems());
  findings.Count("shots", shots, 0);
  findings.Expect(shots == 0 || users == TrainingUsers::kAll, "shots",
                  "0 unless --train_users=all: warm users are not cropped", std::to_string(shots));
  findings.Append(augmentation.Problems());
  findings.Append(masked.Problems());
  findings.Append(melu.Problems());
  findings.Append(minet.Problems());
  const bool scores_pairs = model == ModelKind::kMelu || model == ModelKind::kMinet;
  findings.Expect(!scores_pairs || training.negatives == 1, "negatives", "1 for " + NameOf(model),
                  std::to_string(training.negatives));
  findings.Expect(!scores_pairs || training.negative_sharing == NegativeSharing::kOwn, "negative_sharing",
                  "own for " + NameOf(model), NameOf(training.negative_sharing));
  findings.Expect(!scores_pairs || training.compute != ComputePath::kFused, "compute",
                  "auto or reference for " + NameOf(model), NameOf(training.compute));
  findings.Expect(!scores_pairs || training.loss != ::ppr::model::NextItemLoss::kSoftmax, "loss",
                  "bpr or bce for " + NameOf(model), NameOf(training.loss));
  const bool bidirectional = encoder.attention == ::ppr::model::AttentionSpan::kBidirectional;
  findings.Expect(
      bidirectional == (model == ModelKind::kBert4rec), "attention",
      model == ModelKind::kBert4rec ? "bidirectional, for bert4rec" : "causal: next items are predicted",
      NameOf(encoder.attention));
  findings.Expect(!bidirectional || encoder.max_history >= 2, "max_history",
                  "at least 2, one of them for the mask", std::to_string(encoder.max_history));
  findings.Expect((encoder.backbone == ::ppr::model::Backbone::kGru) == (model == ModelKind::kGru4rec),
                  "backbone", model == ModelKind::kGru4rec ? "gru, for gru4rec" : "transformer",
                  NameOf(encoder.backbone));
  findings.Expect(task != EvaluationTask::kProfile, "task", "few_shot, zero_shot or joint", NameOf(task));
  findings.Expect(
      source_dataset.empty() == (model != ModelKind::kMinet), "source_dataset",
      model == ModelKind::kMinet ? "the other domain's dataset.h5" : "nothing unless --model=minet",
      source_dataset.empty() ? "nothing" : source_dataset);
  return findings.Take();
}

std::vector<std::string> ContrastiveConfig::Problems() const {
  Findings findings;
  findings.Expect(std::isfinite(weight) && weight >= 0, "contrastive_weight", "a number >= 0",
                  Format("%g", weight));
  findings.Positive("temperature", temperature);
  findings.Share("profile_mask_ratio", profile_mask_ratio);
  findings.Share("behaviour_mask_ratio", behaviour_mask_ratio);
  return findings.Take();
}

std::vector<std::string> TuneConfig::Problems() const {
  Findings findings;
  findings.Append(training.Problems());
  findings.Given("checkpoint", checkpoint);
  findings.Positive("new_learning_rate", new_learning_rate.base);
  findings.Expect(dropout == -1 || (dropout >= 0 && dropout < 0.9999), "dropout",
                  "-1 (as pre-trained) or a share in [0, 0.9999)", Format("%g", dropout));
  findings.Append(prompt.Problems());
  findings.Append(contrastive.Problems());
  if (method != TuneMethod::kFineTune) findings.AtLeast("prompt_tokens", prompt.num_tokens, 1);
  findings.Count("shots", shots, 0);
  const bool predicts = task == EvaluationTask::kProfile;
  findings.Expect(predicts != predict_field.empty(), "predict_field",
                  predicts ? "the profile field to predict" : "nothing unless --task=profile",
                  predict_field.empty() ? "nothing" : "\"" + predict_field + "\"");
  findings.Expect(!predicts || shots == 0, "shots", "0 with --task=profile", std::to_string(shots));
  for (const std::string& field : profile_fields) {
    findings.Expect(!predicts || field != predict_field, "profile_fields",
                    "fields without the one to predict", "\"" + field + "\"");
  }
  if (source_dataset.empty()) return findings.Take();
  findings.Expect(!predicts, "task", "few_shot, zero_shot or joint across domains", NameOf(task));
  findings.Expect(method != TuneMethod::kPprLight, "method",
                  "ppr_full or fine_tune across domains: the item rows are new", NameOf(method));
  findings.Expect(prompt.num_tokens <= 1 || prompt.kind != ::ppr::model::PromptKind::kPersonal,
                  "prompt_tokens", "1 across domains: the prompt is the user's vector there",
                  std::to_string(prompt.num_tokens));
  return findings.Take();
}

std::vector<std::string> EvaluateConfig::Problems() const {
  Findings findings;
  findings.Given("dataset", dataset);
  findings.Count("batch_cases", batch_cases, 1);
  findings.Count("shots", shots, 0);
  if (baseline == Baseline::kNone) findings.Given("checkpoint", checkpoint);
  findings.Expect(baseline == Baseline::kNone || checkpoint.empty(), "checkpoint", "nothing with --baseline",
                  checkpoint);
  if (part != "auto" && !ValueNamed<data::CasePart>(part)) {
    std::vector<std::string> names = {"auto"};
    for (const auto& [name, value] : NamesOf<data::CasePart>()) names.push_back(name);
    findings.Expect(false, "part",
                    "auto, warm_dev, cold_dev, cold_test, validation or test" + DidYouMean(part, names),
                    "\"" + part + "\"");
  }
  return findings.Take();
}

}  // namespace ppr::train
