// Rows scaled to length 1, for cosine similarities.
#pragma once

#include <ATen/core/Tensor.h>

namespace ppr::model {

// rows [b, d] -> [b, d]; a row of zeros stays one and gets no gradient.
at::Tensor UnitRows(const at::Tensor& rows);

}  // namespace ppr::model
