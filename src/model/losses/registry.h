// The next-item losses: a line in the enum, one in the list and one in the switch for each; everything else
// that is to be said of a loss stands in its own file. A way of computing that asks for a loss through
// WithLoss cannot mistake one for another: the switch has no default.
#pragma once

#include "model/losses/bce.h"
#include "model/losses/bpr.h"
#include "model/losses/catalogue_softmax.h"
#include "model/losses/terms.h"
#include "settings/names.h"

namespace ppr::model {

enum class NextItemLoss { kBpr, kBce, kSoftmax };

// In the order in which they are offered.
inline constexpr NextItemLoss kNextItemLosses[] = {NextItemLoss::kBpr, NextItemLoss::kBce,
                                                   NextItemLoss::kSoftmax};

NextItemLossFacts FactsOf(NextItemLoss kind);
// As flags and stored configs spell them.
const settings::NameTable<NextItemLoss>& NamesOf(NextItemLoss);

// A loss with its numbers.
struct NextItemLossSpec {
  NextItemLossSpec(NextItemLoss loss, const LossNumbers& its_numbers = {})  // NOLINT: a loss is a spec
      : kind(loss), numbers(its_numbers) {}

  NextItemLoss kind;
  LossNumbers numbers;
};

// use(loss), the loss an object of its class when it has terms.
template <class Use>
PPR_INLINE decltype(auto) WithLoss(const NextItemLossSpec& spec, Use&& use) {
  switch (spec.kind) {
    case NextItemLoss::kBpr:
      return use(BprLoss(spec.numbers));
    case NextItemLoss::kBce:
      return use(BceLoss(spec.numbers));
    case NextItemLoss::kSoftmax:
      return use(CatalogueSoftmax());
  }
  __builtin_trap();  // not a loss
}

// Whether a loss has terms of scores; the others have only what their facts say.
template <class Loss>
inline constexpr bool kHasTerms = !Loss::kFacts.reads_whole_table;

}  // namespace ppr::model
