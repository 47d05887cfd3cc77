// MeLU (Lee et al. 2019), a cold-start recommender that meta-learns: item rows and profile embeddings are
// global; the decision layers above them start global and are adapted to each user by a few gradient steps on
// the user's own clicks. With clicks instead of ratings, the loss is one of pairs: an item that the user
// clicked and a sampled one.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/dense_parameters.h"
#include "model/losses/registry.h"
#include "model/profile_tables.h"
#include "model/score_layers.h"

namespace ppr::model {

struct MeluConfig {
  std::vector<int64_t> hidden_widths = {64, 64};  // of the decision layers; ReLU after each, then one score
  int64_t local_steps = 1;                        // gradient steps for a user; 0 = no adaptation
  // Step size. The published 5e-6 was for squared errors of ratings; a pair's loss has a slope of at most 1,
  // and steps of 0.1 and less moved the layers too little for the meta-gradient to find a use for them.
  double local_rate = 0.3;
  NextItemLoss loss = NextItemLoss::kBpr;

  std::vector<std::string> Problems() const;
};

// Pairs of row indices, user b's at [offsets[b], offsets[b+1]); a user may have none.
struct ClickPairs {
  std::vector<int64_t> offsets;  // [B+1]
  at::Tensor clicked;            // [P] int64
  at::Tensor negatives;          // [P] int64
};

// Users as tasks. Candidates, clicks and negatives index `rows`.
struct MeluBatch {
  at::Tensor codes;    // [B, m] int64
  at::Tensor rows;     // [R, d]: the item rows fetched for this batch
  ClickPairs support;  // what a user's decision layers are adapted on
  ClickPairs query;    // what the adapted layers are judged on
};

// Parameters live in DenseParameters under kPretrained: "melu.table.<field>" and
// "melu.layer<l>.{weight,bias}", weights [in, out] with in = d + m*d for the first: item first, then profile.
class MeluModel {
 public:
  // `parameters` must outlive this.
  MeluModel(const MeluConfig& config, int64_t width, const std::vector<int64_t>& vocabulary_sizes,
            DenseParameters& parameters);

  // The scalar sum over query pairs of the loss at each user's adapted layers; the caller divides. The
  // gradient is first-order: that of the query loss at the adapted layers goes to the global layers, and item
  // rows and profile tables get that of the query loss alone.
  at::Tensor QueryLossSum(const MeluBatch& batch) const;

  // candidates [B, C] int64: rows to score for each user after adaptation on batch.support (batch.query is
  // not read). Returns [B, C] without gradients. A user without support pairs is scored by the global layers.
  at::Tensor Scores(const MeluBatch& batch, const at::Tensor& candidates) const;

  const MeluConfig& config() const { return config_; }

 private:
  // A set of decision layers for each user, or the global ones as a set for all (B = 1).
  struct Layers {
    std::vector<at::Tensor> weights;  // [B, in, out]
    std::vector<at::Tensor> biases;   // [B, 1, out]
  };
  // The two scores of padded pairs, and which of them are real.
  struct PairScores {
    at::Tensor clicked, negatives;  // [B, P]
    at::Tensor present;             // [B, P] 1 or 0
  };

  Layers GlobalLayers() const;
  // The users' own layers after local_steps, without a graph: profiles [B, m*d], rows [R, d].
  Layers AdaptedLayers(const at::Tensor& profiles, const at::Tensor& rows, const ClickPairs& support) const;
  // items [B, C, d], profiles [B, m*d] -> [B, C]. The C items are `sides` lists of equal length, one behind
  // the other; items at the same place in them are a pair.
  at::Tensor Decide(const Layers& layers, const at::Tensor& items, const at::Tensor& profiles,
                    int64_t sides) const;
  PairScores ScorePairs(const Layers& layers, const at::Tensor& rows, const at::Tensor& profiles,
                        const ClickPairs& pairs) const;

  MeluConfig config_;
  int64_t width_;
  ProfileTables tables_;
  ScoreLayers layers_;  // the global decision layers
  const DenseParameters& parameters_;
};

}  // namespace ppr::model
