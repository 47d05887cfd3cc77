// The names of next-item losses.
#include "model/losses.h"

namespace ppr::model {

const settings::NameTable<NextItemLoss>& NamesOf(NextItemLoss) {
  static const settings::NameTable<NextItemLoss> names = {
      {"bpr", NextItemLoss::kBpr}, {"bce", NextItemLoss::kBce}, {"softmax", NextItemLoss::kSoftmax}};
  return names;
}

}  // namespace ppr::model
