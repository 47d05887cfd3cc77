// The prompt generator (paper Eq. 3) and the profile model (paper Eq. 4): profile codes in, prefix tokens and
// the attribute-level user vector out.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/dense_parameters.h"
#include "settings/settings.h"

namespace ppr::model {

// What prompt tokens are made from.
enum class PromptKind {
  kPersonal,    // the user's profile, Eq. 3
  kShared,      // nothing: the same learned tokens for everybody (ablation)
  kUserVector,  // the user's vector of another domain is the prompt, as it is (paper 4.9.1)
};

const settings::NameTable<PromptKind>& NamesOf(PromptKind);

struct PromptConfig {
  PromptKind kind = PromptKind::kPersonal;
  int64_t num_tokens = 1;         // n; 0 = no prompt (fine-tuning); 1 for kUserVector
  bool user_vectors = false;      // the profile model also reads the user's vector of another domain
  int64_t hidden_width = 64;      // d' of Eq. 3 and of MLP_a
  bool shared_tables = false;     // generator and profile model read the same profile tables
  bool use_profile_model = true;  // u_a of Eq. 4
  int64_t projector_width = 0;    // > 0: two-layer projector d -> width -> width before the contrastive loss

  std::vector<std::string> Problems() const;
};

// Under the topic of the moment, in section "prompt" of stored configs. The projector stands with the
// contrastive loss; the flag of hidden_width is also that of a profile model alone.
void Describe(settings::Settings& settings, PromptConfig& config);
void DescribeProjector(settings::Settings& settings, PromptConfig& config);
void DescribeHiddenWidth(settings::Settings& settings, PromptConfig& config);
// All of it as facts, without flags.
void DescribeStored(settings::Settings& settings, PromptConfig& config);

// Tables, MLPs and projector live in DenseParameters under ParameterGroup::kNew, named "prompt.*",
// "profile.*" and "projector.*".
class PromptModel {
 public:
  // vocabulary_sizes[f] = number of codes of field f, code 0 (missing) included. `parameters` must outlive
  // this.
  PromptModel(const PromptConfig& config, int64_t width, std::vector<int64_t> vocabulary_sizes,
              DenseParameters& parameters);

  // What prompts are made of. codes [B, m] int64 -> x_u of Eq. 3 from the generator's tables: [B, m*d];
  // kShared: [B, 0]; kUserVector: user_vectors [B, d], which are unread otherwise.
  at::Tensor PromptFeatures(const at::Tensor& codes, const at::Tensor& user_vectors = {}) const;
  // Eq. 3: features -> prompt tokens [B, n, d]; [B, 0, d] without a prompt.
  at::Tensor Prompts(const at::Tensor& features) const;
  // MLP_a of Eq. 4 on the profile model's tables, with user_vectors [B, d] when the configuration says so:
  // codes [B, m] -> u_a [B, d]; zeros without one.
  at::Tensor ProfileVectors(const at::Tensor& codes, const at::Tensor& user_vectors = {}) const;
  // Two-layer projector, or its input unchanged when projector_width is 0: [B, d] -> [B, d or width].
  at::Tensor Project(const at::Tensor& vectors) const;

  // Prompt-based augmentation (3.5.1): zeroes each element with probability `ratio`; no rescaling. keys [B]
  // int64: one random key a user. Not differentiable in the mask, differentiable in features.
  static at::Tensor MaskElements(const at::Tensor& features, const at::Tensor& keys, double ratio);

  // Profile tables to initialise from data: (parameter index, field), generator's and profile model's.
  const std::vector<std::pair<int, int64_t>>& tables() const { return tables_; }
  const PromptConfig& config() const { return config_; }

 private:
  // Parameter indices of linear, ReLU, linear; weights are [in, out].
  struct Mlp {
    int w1 = -1, b1 = -1, w2 = -1, b2 = -1;
  };

  std::vector<int> AddTables(const std::string& owner, DenseParameters& parameters);
  Mlp AddMlp(const std::string& owner, int64_t in, int64_t hidden, int64_t out, DenseParameters& parameters);
  at::Tensor Apply(const Mlp& mlp, const at::Tensor& input) const;
  // Rows of `tables` side by side: [B, m*d].
  at::Tensor Features(const std::vector<int>& tables, const at::Tensor& codes) const;

  PromptConfig config_;
  int64_t width_;
  std::vector<int64_t> vocabulary_sizes_;
  const DenseParameters& parameters_;
  std::vector<int> prompt_tables_, profile_tables_;  // [m] parameter indices
  std::vector<std::pair<int, int64_t>> tables_;
  int shared_tokens_ = -1;  // [n, d] of kShared
  Mlp generator_, profile_, projector_;
};

}  // namespace ppr::model
