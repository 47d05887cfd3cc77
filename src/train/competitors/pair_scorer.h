// A competitor that scores a user and an item together, so that no user vector stands for it: MeLU and MiNet.
// What the stages need of one, besides its objective.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "evaluation/case_evaluation.h"
#include "recommender/profile_input.h"
#include "recommender/sharded_model.h"

namespace ppr::train {

class PairScorer : public recommender::ShardedModel {
 public:
  // `dataset` and `communicator` must outlive this. num_items: rows of the table.
  PairScorer(dist::Communicator& communicator, const data::Dataset& dataset,
             recommender::ProfileInput profile, int64_t num_items, int64_t width, double init_std,
             uint64_t seed)
      : recommender::ShardedModel(communicator, num_items, width, init_std, seed),
        dataset_(dataset),
        profile_(std::move(profile)) {}

  // Collective. The scores of a rank's cases: see CandidateScores.
  virtual at::Tensor Score(std::span<const int64_t> cases, const std::vector<int64_t>& items) = 0;

  const data::Dataset& dataset() const { return dataset_; }

 protected:
  // The profile codes that the model reads: [n, m] int64.
  at::Tensor CodesOf(std::span<const int32_t> users) const {
    return recommender::ProfileCodes(dataset_, profile_, users);
  }
  // Collective. The rows of `ids`: distinct ones [U, d], and of each id the one that it is.
  at::Tensor FetchRows(const std::vector<int64_t>& ids, std::vector<int64_t>* row_of_id);

  const data::Dataset& dataset_;
  const recommender::ProfileInput profile_;
};

// The evaluation of a pair scorer on cases. It must outlive the result.
inline evaluation::CandidateScores ScoresOf(PairScorer& scorer) {
  return [&scorer](std::span<const int64_t> cases, const std::vector<int64_t>& items) {
    return scorer.Score(cases, items);
  };
}

}  // namespace ppr::train
