#include "model/unit_rows.h"

#include <ATen/ATen.h>

namespace ppr::model {

at::Tensor UnitRows(const at::Tensor& rows) {
  const at::Tensor squares = rows.square().sum(1, /*keepdim=*/true);  // [b, 1]
  const at::Tensor is_zero = squares.eq(0);
  return rows * at::rsqrt(squares.masked_fill(is_zero, 1)) * is_zero.logical_not().to(rows.scalar_type());
}

}  // namespace ppr::model
