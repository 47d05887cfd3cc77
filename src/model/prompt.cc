#include "model/prompt.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "base/findings.h"
#include "model/dropout_bits.h"
#include "model/gather_rows.h"
#include "model/hash_dropout.h"

namespace ppr::model {
namespace {

at::Tensor TwoLayers(const at::Tensor& input, const at::Tensor& w1, const at::Tensor& b1,
                     const at::Tensor& w2, const at::Tensor& b2) {
  return at::addmm(b2, at::relu(at::addmm(b1, input, w1)), w2);
}

}  // namespace

const settings::NameTable<PromptKind>& NamesOf(PromptKind) {
  static const settings::NameTable<PromptKind> names = {{"personal", PromptKind::kPersonal},
                                                        {"shared", PromptKind::kShared},
                                                        {"user_vector", PromptKind::kUserVector}};
  return names;
}

void DescribeHiddenWidth(settings::Settings& settings, PromptConfig& config) {
  constexpr int64_t kMost = 65536;
  settings.Section("prompt").Add(&config.hidden_width,
                                 {.flag = "prompt_hidden_width",
                                  .help = "Hidden width of prompt generator and profile model",
                                  .key = "hidden_width",
                                  .limits = settings::Between(1, kMost)});
}

void Describe(settings::Settings& settings, PromptConfig& config) {
  constexpr int64_t kMostTokens = 256;
  // Across domains tuning turns personal into the user's vector.
  const settings::NameTable<PromptKind> offered = {{"personal", PromptKind::kPersonal},
                                                   {"shared", PromptKind::kShared}};
  settings.Section("prompt");
  settings.AddChoice(
      &config.kind, offered,
      {.flag = "prompt",
       .help = "personal: made from the user's profile (across domains, the user's vector there); "
               "shared: the same learned tokens for everybody",
       .key = "kind",
       .newer = true});
  settings.Add(&config.num_tokens,
               {.flag = "prompt_tokens",
                .help = "Prefix tokens n that the prompt generator makes; fine_tune makes none",
                .key = "num_tokens",
                .limits = settings::Between(0, kMostTokens)});
  DescribeHiddenWidth(settings, config);
  settings.Add(
      &config.shared_tables,
      {.flag = "shared_tables", .help = "Prompt generator and profile model read the same profile tables"});
  settings.Add(
      &config.use_profile_model,
      {.flag = "use_profile_model", .help = "Add the profile model's vector (Eq. 4) to the user vector"});
}

void DescribeProjector(settings::Settings& settings, PromptConfig& config) {
  constexpr int64_t kMost = 8192;  // its second layer is [width, width]
  settings.Section("prompt").Add(
      &config.projector_width,
      {.flag = "projector_width",
       .help = "Two-layer projector of this width before the contrastive loss; 0: none",
       .limits = settings::Between(0, kMost)});
}

void DescribeStored(settings::Settings& settings, PromptConfig& config) {
  settings::Settings all;
  Describe(all, config);
  DescribeProjector(all, config);
  all.Section("prompt").AddFact(&config.user_vectors, "user_vectors", /*newer=*/true);
  settings.TakeStored(all);
}

std::vector<std::string> PromptConfig::Problems() const {
  PromptConfig copy = *this;
  settings::Settings all;
  Describe(all, copy);
  DescribeProjector(all, copy);
  Findings findings;
  findings.Append(all.Problems());
  findings.Expect(kind != PromptKind::kUserVector || num_tokens <= 1, "prompt_tokens",
                  "1: a user's vector is one token", std::to_string(num_tokens));
  return findings.Take();
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
