// MiNet (Ouyang et al. 2020), a cross-domain competitor: what a user clicked in the target domain and in a
// source domain, each weighed by attention to the item in question, the two and the user weighed against each
// other, and a network on top. A second network on the source domain's items shares user and rows with it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/dense_parameters.h"
#include "model/profile_tables.h"
#include "model/score_layers.h"

namespace ppr::model {

struct MinetConfig {
  int64_t attention_width = 64;                     // hidden units of the attentions, ReLU
  int64_t transfer_rank = 10;                       // k of H, the map from the source to the target space
  std::vector<int64_t> hidden_widths = {256, 128};  // of both networks; ReLU after each, then one score

  std::vector<std::string> Problems() const;
};

// Row indices of clicks, user b's at [offsets[b], offsets[b+1]); a user may have none.
struct ClickLists {
  std::vector<int64_t> offsets;  // [B+1]
  at::Tensor rows;               // [T] int64
};

// Clicks and targets index `rows`, which holds rows of both domains.
struct MinetBatch {
  at::Tensor codes;  // [B, m] int64
  at::Tensor rows;   // [R, d]
  ClickLists target_clicks, source_clicks;
  at::Tensor targets;  // [B, C] int64: target-domain items to score for each user
};

// Parameters live in DenseParameters under kPretrained, named "minet.*"; weights are [in, out].
class MinetModel {
 public:
  enum class Domain { kTarget, kSource };

  // `parameters` must outlive this.
  MinetModel(const MinetConfig& config, int64_t width, const std::vector<int64_t>& vocabulary_sizes,
             DenseParameters& parameters);

  // [B, C] scores of batch.targets, before any sigmoid. Differentiable in rows and parameters. Takes memory
  // of about T * C * (d + attention_width) numbers for each domain.
  at::Tensor Scores(const MinetBatch& batch) const;

  // source_targets [B, C'] int64 -> [B, C']: scores of source-domain items by the network on [item, user],
  // for the joint loss. Reads codes and rows of the batch.
  at::Tensor SourceScores(const MinetBatch& batch, const at::Tensor& source_targets) const;

  // Item-level attention of a domain's clicks: [B, L, C] for the longest list of clicks, at least 1. Sums to
  // 1 over a user's clicks, and is 0 at padding.
  at::Tensor AttentionWeights(Domain domain, const MinetBatch& batch) const;

 private:
  // Parameter indices of one scalar for each input: v . ReLU(W z), plus a bias where it has one.
  struct Attention {
    int weight = -1, score = -1, bias = -1;
  };
  // What is scored against what, as rows of the table and of users.
  struct Inputs {
    at::Tensor users;    // [B, d]
    at::Tensor targets;  // [B, C, d]
  };

  Attention AddAttention(const std::string& name, DenseParameters& parameters) const;
  at::Tensor Users(const at::Tensor& codes) const;
  Inputs InputsOf(const MinetBatch& batch) const;
  // Scores of each click for each of its user's targets: clicks [T, d] -> [T, C].
  at::Tensor ScoreClicks(Domain domain, const at::Tensor& clicks, const at::Tensor& user_of_click,
                         const Inputs& inputs) const;
  at::Tensor WeighClicks(Domain domain, const at::Tensor& clicks, const ClickLists& lists,
                         const Inputs& inputs) const;
  // A domain's clicks, weighed for each target: [B, C, d]; zeros for a user without.
  at::Tensor Interest(Domain domain, const MinetBatch& batch, const Inputs& inputs) const;
  // exp(v . ReLU(W z) + b): z [B, C, 4d] -> [B, C, 1].
  at::Tensor Importance(const Attention& attention, const at::Tensor& z) const;
  // [B, C, in] -> [B, C].
  at::Tensor Apply(const ScoreLayers& network, const at::Tensor& input) const;

  MinetConfig config_;
  int64_t width_;
  ProfileTables tables_;
  int user_weight_, user_bias_;
  int transfer_left_, transfer_right_;  // H = left [d, k] right [k, d]
  Attention of_target_clicks_, of_source_clicks_;
  Attention of_user_, of_target_interest_, of_source_interest_;
  ScoreLayers target_network_, source_network_;
  const DenseParameters& parameters_;
};

}  // namespace ppr::model
