// NT-Xent, the contrastive loss of CL4SRec (Xie et al. 2022; Chen et al. 2020), over the global batch.
#pragma once

#include <ATen/core/Tensor.h>

#include "dist/communicator.h"

namespace ppr::model {

enum class Similarity { kDot, kCosine };

// first, second [b, d]: two views of each of this rank's users; every rank calls it with its own b >= 0. The
// two views of a user are each other's positive; the other 2(B - 1) views of all ranks are their negatives,
// and no view is compared with itself. Logits are similarities over `temperature`; with kCosine a zero vector
// has similarity 0 to all and no gradient. Returns this rank's scalar sum of the losses of its 2b anchors:
// the caller divides by 2B. Collective, forward (all-gather of views) and backward (reduce-scatter of their
// gradients): every rank must run backward, a rank with b = 0 too. The communicator must outlive the backward
// pass.
at::Tensor NtXentLossSum(dist::Communicator& communicator, const at::Tensor& first, const at::Tensor& second,
                         double temperature, Similarity similarity);

}  // namespace ppr::model
