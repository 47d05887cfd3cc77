#include "stages/stage_config.h"

#include <cmath>

#include "base/findings.h"
#include "base/nearest_name.h"
#include "base/text_format.h"
#include "stages/setting_names.h"

namespace ppr::stages {
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
  findings.Expect(!scores_pairs || training.negative_sharing == recommender::NegativeSharing::kOwn,
                  "negative_sharing", "own for " + NameOf(model), NameOf(training.negative_sharing));
  findings.Expect(!scores_pairs || training.compute != model::ComputePath::kFused, "compute",
                  "auto or reference for " + NameOf(model), NameOf(training.compute));
  findings.Expect(!scores_pairs || ::ppr::model::FactsOf(training.loss).scores_pairs, "loss",
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
  findings.Expect(task != evaluation::EvaluationTask::kProfile, "task", "few_shot, zero_shot or joint",
                  NameOf(task));
  findings.Expect(
      source_dataset.empty() == (model != ModelKind::kMinet), "source_dataset",
      model == ModelKind::kMinet ? "the other domain's dataset.h5" : "nothing unless --model=minet",
      source_dataset.empty() ? "nothing" : source_dataset);
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
  const bool predicts = task == evaluation::EvaluationTask::kProfile;
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

}  // namespace ppr::stages
