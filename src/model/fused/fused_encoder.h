// The encoder on CPU cores at the speed of their matrix products: whole sequences go through all layers while
// they are in cache, without autograd (docs/performance.md). float32. model/encoder.h is its oracle and says
// what it computes; both draw the same dropout masks.
//
// A FusedEncoder is driven by one thread and uses ATen's threads. Results depend on their number, by the
// rounding of sums, and on nothing else: which thread takes which sequences follows from the batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/dense_parameters.h"
#include "model/encoder.h"
#include "model/fused/batch_shares.h"
#include "model/fused/chunk_task.h"
#include "model/fused/kernels.h"
#include "model/losses/registry.h"
#include "model/packed_layout.h"

namespace ppr::model {

// What the next-item loss of a packed batch reads, and where its results go. Vectors keep their memory from
// batch to batch.
struct NextItemTargets {
  NextItemLossSpec loss = NextItemLoss::kBpr;
  int64_t negatives = 1;         // K
  double scale = 1;              // of all gradients: 1 / targets of the global batch
  std::vector<int64_t> offsets;  // [B + 1]: targets of sequence b are [offsets[b], offsets[b + 1])
  std::vector<int64_t> tokens;   // [N] read-out token, -1 = none
  at::Tensor profiles;           // [B, d], added to each read-out of the sequence; undefined = none
  // The positive of each target, and unless `shared` its K negatives behind it: rows of d floats.
  std::vector<const float*> candidates;  // [N (1 + K)], or [N]
  at::Tensor shared;                     // [K, d] negatives of all targets; undefined = each has its own
  std::vector<float> shifts;             // of negatives' scores, [N K] or [K]; empty = none
  std::vector<int64_t> excluded_offsets, excluded;  // as NextItemTask's; [B + 1] zeros when none is excluded
};

// Results of one pass; tensors are reused by the next pass.
struct NextItemGradients {
  double loss_sum = 0;      // over this rank's targets, unscaled
  bool finite = true;       // `inputs` and `users`, in every element
  at::Tensor inputs;        // [T, d]
  at::Tensor users;         // [N, d]: what a candidate's row gradient is a multiple of
  at::Tensor coefficients;  // [N, 1 + K], or [N, 1] of the positives with shared negatives
  at::Tensor profiles;      // [B, d]; undefined without profiles
  at::Tensor shared;        // [K, d]; undefined with own negatives
};

// Work of the caller's that the calling thread does first, while the other threads begin with the batch.
struct SideWork {
  std::function<void()> run;  // empty = none
  // What it costs, in multiply-adds of a kernel: the calling thread takes fewer tokens for it. Counts also
  // without `run`, so that the split of the batch does not depend on whether there is any.
  int64_t multiply_adds = 0;
};

class FusedEncoder {
 public:
  // Why the fused path cannot take this encoder on this processor; empty when it can.
  static std::string Obstacle(const EncoderConfig& config);

  // Both must outlive this. The kernels default to the best of this processor.
  FusedEncoder(const Encoder& encoder, const DenseParameters& parameters,
               const fused::Kernels* kernels = fused::BestKernels());

  // As Encoder::Forward, for losses over the whole batch: activations are kept for the backward pass, which
  // adds the encoder's gradients to the flat buffer.
  at::Tensor Forward(const at::Tensor& inputs, const PackedLayout& layout, DropoutState dropout);

  // For reading: the output at the last token of each sequence [B, d], zeros for an empty one. No gradients,
  // no dropout; the last block is computed for these rows alone. inputs: T rows of d floats.
  at::Tensor ForwardLast(const std::vector<const float*>& inputs, const PackedLayout& layout);

  // Forward, loss and backward in one pass. Adds the encoder's gradients, scaled, to the flat buffer unless
  // it is frozen; the others are in the result, which is valid until the next call.
  const NextItemGradients& NextItemPass(const std::vector<const float*>& inputs, const PackedLayout& layout,
                                        DropoutState dropout, const NextItemTargets& targets,
                                        const SideWork& meanwhile = {});

  const fused::Kernels& kernels() const { return *kernels_; }

 private:
  friend class FusedEncoderFunction;

  fused::EncoderTask MakeTask(const std::vector<const float*>& inputs, const PackedLayout& layout,
                              bool dropout) const;
  void SplitBatch(const PackedLayout& layout, bool dropout, int64_t busy_multiply_adds = 0);
  // The weights of this step, transposed, for the way back.
  void RefreshTransposed();
  // Shapes the results for this batch and points the kernels at them.
  fused::NextItemTask MakeNextItemTask(const PackedLayout& layout, const NextItemTargets& targets);
  // What one thread's share of a pass gives beside its rows of the results.
  struct ShareResult {
    double loss_sum = 0;
    bool finite = true;
  };
  ShareResult PassOverShare(const fused::EncoderTask& task, const fused::NextItemTask& next_item,
                            int64_t thread, const NextItemTargets& targets);
  // A zeroed gradient buffer for each thread; the first thread's is the flat buffer itself. Null when frozen.
  float* GradientsOf(int64_t thread);
  void AddThreadGradients();
  bool trains() const;

  const Encoder& encoder_;
  const DenseParameters& parameters_;
  const fused::Kernels* kernels_;
  std::vector<fused::BlockOffsets> block_offsets_;
  fused::EncoderOffsets offsets_;
  int64_t encoder_numel_ = 0;  // the encoder's parameters are the first of the flat buffer
  at::Tensor transposed_;      // [blocks, 4 d d + 2 d f]
  std::vector<fused::Share> shares_;
  std::vector<at::Tensor> workspaces_;        // [threads] saved and scratch memory of a chunk
  std::vector<at::Tensor> thread_gradients_;  // [threads - 1] of [encoder_numel_]
  at::Tensor activations_;                    // of a whole batch, for Forward
  NextItemGradients gradients_;
  std::vector<float> shared_shifts_;  // [K in whole vectors]
  at::Tensor shared_transposed_;      // [d, K in whole vectors]
  at::Tensor shared_of_threads_;      // [threads, K, d]
};

}  // namespace ppr::model
