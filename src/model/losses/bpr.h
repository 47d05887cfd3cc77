// BPR (Rendle et al., UAI 2009; the paper's Eq. 2 and 5, ReChorus): -mean_k log sigmoid(p - n_k).
#pragma once

#include "model/losses/terms.h"

namespace ppr::model {

struct BprLoss {
  static constexpr NextItemLossFacts kFacts{.name = "bpr", .scores_pairs = true};
  static constexpr OverNegatives kOver = OverNegatives::kMean;
  static constexpr bool kScoresPositive = false;
  static constexpr bool kComparesPositive = true;

  PPR_INLINE explicit BprLoss(const LossNumbers& /*numbers*/) {}

  // `derivative` by the negative's score; that by the positive's is its opposite.
  template <class L>
  PPR_INLINE typename L::Floats Negative(typename L::Floats positive, typename L::Floats negative,
                                         typename L::Floats& derivative) const {
    return L::Softplus(L::Sub(negative, positive), derivative);
  }
};

}  // namespace ppr::model
