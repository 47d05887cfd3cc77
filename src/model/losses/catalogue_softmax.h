// Cross-entropy over the whole catalogue: catalogue_softmax_loss.h computes it, on the sharded table.
#pragma once

#include "model/losses/terms.h"

namespace ppr::model {

struct CatalogueSoftmax {
  static constexpr NextItemLossFacts kFacts{.name = "softmax", .reads_whole_table = true};
};

}  // namespace ppr::model
