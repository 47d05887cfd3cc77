// Binary cross-entropy (SASRec, Kang and McAuley 2018): -log sigmoid(p) - mean_k log sigmoid(-n_k).
#pragma once

#include "model/losses/terms.h"

namespace ppr::model {

struct BceLoss {
  static constexpr NextItemLossFacts kFacts{.name = "bce", .scores_pairs = true};
  static constexpr OverNegatives kOver = OverNegatives::kMean;
  static constexpr bool kScoresPositive = true;
  static constexpr bool kComparesPositive = false;

  PPR_INLINE explicit BceLoss(const LossNumbers& /*numbers*/) {}

  template <class L>
  PPR_INLINE typename L::Floats Positive(typename L::Floats positive, typename L::Floats& derivative) const {
    const typename L::Floats loss = L::Softplus(L::Negate(positive), derivative);
    derivative = L::Negate(derivative);
    return loss;
  }
  template <class L>
  PPR_INLINE typename L::Floats Negative(typename L::Floats /*positive*/, typename L::Floats negative,
                                         typename L::Floats& derivative) const {
    return L::Softplus(negative, derivative);
  }
};

}  // namespace ppr::model
