#include "model/prompt.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "base/text_format.h"
#include "model/dropout_bits.h"
#include "model/gather_rows.h"
#include "model/hash_dropout.h"

namespace ppr::model {
namespace {

void RequireAtLeast(const char* field, int64_t value, int64_t least, std::vector<std::string>* problems) {
  if (value < least) {
    problems->push_back(Format("%s: found %lld, expected at least %lld", field, static_cast<long long>(value),
                               static_cast<long long>(least)));
  }
}

at::Tensor TwoLayers(const at::Tensor& input, const at::Tensor& w1, const at::Tensor& b1,
                     const at::Tensor& w2, const at::Tensor& b2) {
  return at::addmm(b2, at::relu(at::addmm(b1, input, w1)), w2);
}

}  // namespace

std::vector<std::string> PromptConfig::Problems() const {
  std::vector<std::string> problems;
  RequireAtLeast("num_tokens", num_tokens, 0, &problems);
  RequireAtLeast("hidden_width", hidden_width, 1, &problems);
  RequireAtLeast("projector_width", projector_width, 0, &problems);
  if (kind == PromptKind::kUserVector && num_tokens > 1) {
    problems.push_back(Format("num_tokens: found %lld, expected 1: a user's vector is one token",
                              static_cast<long long>(num_tokens)));
  }
  return problems;
}

PromptModel::PromptModel(const PromptConfig& config, int64_t width, std::vector<int64_t> vocabulary_sizes,
                         DenseParameters& parameters)
    : config_(config),
      width_(width),
      vocabulary_sizes_(std::move(vocabulary_sizes)),
      parameters_(parameters) {
  const std::vector<std::string> problems = config.Problems();
  PPR_BUG_IF_NOT(problems.empty(), "prompt configuration was not checked: " + problems.front());
  const auto num_fields = static_cast<int64_t>(vocabulary_sizes_.size());
  const int64_t features = num_fields * width_;
  const bool generates = config.num_tokens > 0 && config.kind == PromptKind::kPersonal;
  if (generates) {
    prompt_tables_ = AddTables("prompt", parameters);
    generator_ = AddMlp("prompt", features, config.hidden_width, config.num_tokens * width_, parameters);
  } else if (config.num_tokens > 0 && config.kind == PromptKind::kShared) {
    shared_tokens_ = parameters.Add("prompt.tokens", {config.num_tokens, width_}, ParameterGroup::kNew,
                                    DenseParameters::Init::kNormal);
  }
  if (config.use_profile_model) {
    profile_tables_ = config.shared_tables && generates ? prompt_tables_ : AddTables("profile", parameters);
    const int64_t more = config.user_vectors ? width_ : 0;
    profile_ = AddMlp("profile", features + more, config.hidden_width, width_, parameters);
  }
  if (config.projector_width > 0) {
    projector_ = AddMlp("projector", width_, config.projector_width, config.projector_width, parameters);
  }
}

std::vector<int> PromptModel::AddTables(const std::string& owner, DenseParameters& parameters) {
  std::vector<int> indices;
  for (size_t field = 0; field < vocabulary_sizes_.size(); ++field) {
    const std::string name = owner + ".table." + std::to_string(field);
    indices.push_back(parameters.Add(name, {vocabulary_sizes_[field], width_}, ParameterGroup::kNew,
                                     DenseParameters::Init::kNormal));
    tables_.emplace_back(indices.back(), static_cast<int64_t>(field));
  }
  return indices;
}

PromptModel::Mlp PromptModel::AddMlp(const std::string& owner, int64_t in, int64_t hidden, int64_t out,
                                     DenseParameters& parameters) {
  using Init = DenseParameters::Init;
  const auto add = [&](const char* name, std::vector<int64_t> shape, Init init) {
    return parameters.Add(owner + name, std::move(shape), ParameterGroup::kNew, init);
  };
  return {add(".layer1.weight", {in, hidden}, Init::kNormal), add(".layer1.bias", {hidden}, Init::kZeros),
          add(".layer2.weight", {hidden, out}, Init::kNormal), add(".layer2.bias", {out}, Init::kZeros)};
}

at::Tensor PromptModel::Apply(const Mlp& mlp, const at::Tensor& input) const {
  return TwoLayers(input, parameters_[mlp.w1], parameters_[mlp.b1], parameters_[mlp.w2], parameters_[mlp.b2]);
}

at::Tensor PromptModel::Features(const std::vector<int>& tables, const at::Tensor& codes) const {
  PPR_BUG_IF_NOT(codes.dim() == 2 && codes.size(1) == static_cast<int64_t>(vocabulary_sizes_.size()),
                 "profile codes are not [B, " + std::to_string(vocabulary_sizes_.size()) + "]");
  std::vector<at::Tensor> parts;
  for (size_t field = 0; field < tables.size(); ++field) {
    const at::Tensor column = codes.select(1, static_cast<int64_t>(field));
    PPR_BUG_IF_NOT(column.numel() == 0 || column.min().item<int64_t>() >= 0,
                   "a profile code of field " + std::to_string(field) + " is negative");
    parts.push_back(GatherRows(parameters_[tables[field]], column));
  }
  if (parts.empty()) return at::empty({codes.size(0), 0}, parameters_.values().options());
  return at::cat(parts, 1);
}

at::Tensor PromptModel::PromptFeatures(const at::Tensor& codes, const at::Tensor& user_vectors) const {
  if (config_.kind != PromptKind::kUserVector) return Features(prompt_tables_, codes);
  PPR_BUG_IF_NOT(
      user_vectors.defined() && user_vectors.size(0) == codes.size(0) && user_vectors.size(1) == width_,
      "prompts of user vectors need a vector a user");
  return user_vectors;
}

at::Tensor PromptModel::Prompts(const at::Tensor& features) const {
  const int64_t users = features.size(0);
  if (config_.num_tokens == 0) return at::empty({users, 0, width_}, parameters_.values().options());
  switch (config_.kind) {
    case PromptKind::kPersonal:
      return Apply(generator_, features).view({users, config_.num_tokens, width_});
    case PromptKind::kShared:
      return parameters_[shared_tokens_].unsqueeze(0).expand({users, config_.num_tokens, width_});
    case PromptKind::kUserVector:
      return features.view({users, 1, width_});
  }
  throw BugError("unknown kind of prompt");
}

at::Tensor PromptModel::ProfileVectors(const at::Tensor& codes, const at::Tensor& user_vectors) const {
  if (!config_.use_profile_model) return at::zeros({codes.size(0), width_}, parameters_.values().options());
  const at::Tensor features = Features(profile_tables_, codes);
  if (!config_.user_vectors) return Apply(profile_, features);
  PPR_BUG_IF_NOT(user_vectors.defined(), "the profile model needs a vector a user");
  return Apply(profile_, at::cat({features, user_vectors}, 1));
}

at::Tensor PromptModel::Project(const at::Tensor& vectors) const {
  return config_.projector_width > 0 ? Apply(projector_, vectors) : vectors;
}

at::Tensor PromptModel::MaskElements(const at::Tensor& features, const at::Tensor& keys, double ratio) {
  PPR_BUG_IF_NOT(ratio >= 0 && ratio <= 1, "mask ratio " + std::to_string(ratio) + " is not in [0, 1]");
  const at::Tensor lanes = at::arange(features.size(1), keys.options());
  const at::Tensor keep = DropoutKeepTensor(keys, /*site=*/0, lanes, DropoutThreshold(ratio));  // [B, m*d]
  return features * keep.to(features.scalar_type());
}

}  // namespace ppr::model
