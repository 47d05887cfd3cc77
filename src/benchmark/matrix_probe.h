// How fast this machine multiplies matrices in float32 right now: what a training step is measured against.
#pragma once

#include <ATen/core/Tensor.h>

#include "dist/communicator.h"
#include "model/fused/kernels.h"

namespace ppr::benchmark {

// FLOP/s of all ranks together.
struct MatrixRates {
  double kernel = 0;  // the fused kernels' own product; 0 where the processor has none of them
  double library = 0;
};

// FLOP/s at which the calling thread alone forms the kernels' own product, for `seconds`.
double KernelRateOfThread(const model::fused::Kernels& kernels, double seconds);

class MatrixProbe {
 public:
  // `seconds`: of each of the two products. The communicator must outlive the probe.
  MatrixProbe(dist::Communicator& communicator, double seconds);

  // Collective: all ranks multiply at the same time, with ATen's threads.
  MatrixRates Run();

 private:
  double KernelRate(double seconds) const;
  double LibraryRate(double seconds);

  dist::Communicator& communicator_;
  double seconds_;
  const model::fused::Kernels* kernels_;
  at::Tensor left_, right_, product_;  // of the library
};

}  // namespace ppr::benchmark
