// Scores, loss and derivatives of the targets of one chunk, while its read-outs are in cache.
#pragma once

#include <cstdint>

#include "model/fused/causal_attention.h"
#include "model/fused/chunk_task.h"
#include "model/fused/gemm.h"
#include "model/fused/inline.h"
#include "model/fused/vector_math.h"

namespace ppr::model::fused {

// Floats of scratch for a chunk of `targets` targets.
template <class V>
int64_t NextItemScratch(const NextItemTask& task, int64_t targets) {
  const int64_t padded = WholeVectors<V>(targets) + V::kLanes;
  return task.shared == nullptr ? padded * (2 + task.negatives)
                                : padded * 2 + targets * (task.shared_step + task.width) + 2 * V::kLanes;
}

template <class V>
class NextItemChunk {
 public:
  using Floats = typename V::Floats;

  NextItemChunk(const NextItemTask& task, Chunk chunk, float* scratch)
      : task_(task),
        chunk_(chunk),
        first_(task.targets[chunk.first]),
        count_(task.targets[chunk.last] - first_),
        padded_(WholeVectors<V>(count_)),
        d_(task.width),
        scores_(scratch),
        matrix_(scratch + padded_ + V::kLanes),
        d_users_(matrix_ + count_ * task.shared_step) {}

  // hidden [n, d]: the encoder's output for the chunk, whose first token is `first_token`; d_hidden [n, d] is
  // written.
  void Run(const float* hidden, int64_t first_token, int64_t tokens, float* d_hidden, NextItemSums* sums) {
    for (int64_t i = 0; i < tokens * d_; i += V::kLanes) V::Store(d_hidden + i, V::Zero());
    if (sums->profile_gradient != nullptr) {
      const int64_t first = chunk_.first * d_, last = chunk_.last * d_;
      for (int64_t i = first; i < last; i += V::kLanes) V::Store(sums->profile_gradient + i, V::Zero());
    }
    if (count_ == 0) return;
    ReadOut(hidden, first_token);
    if (task_.shared != nullptr) {
      SharedNegatives(sums);
    } else {
      OwnNegatives(sums);
    }
    ReturnToTokens(first_token, d_hidden, sums->profile_gradient);
  }

 private:
  float* User(int64_t i) const { return task_.users + (first_ + i) * d_; }
  int64_t per_target() const { return task_.shared != nullptr ? 1 : 1 + task_.negatives; }
  const float* Candidate(int64_t i, int64_t k) const {
    return task_.candidates[(first_ + i) * per_target() + k];
  }

  // users = hidden at the read-out + profile.
  void ReadOut(const float* hidden, int64_t first_token) {
    for (int64_t b = chunk_.first; b < chunk_.last; ++b) {
      const float* const profile = task_.profiles == nullptr ? nullptr : task_.profiles + b * d_;
      for (int64_t n = task_.targets[b]; n < task_.targets[b + 1]; ++n) {
        const int64_t token = task_.target_tokens[n];
        float* const user = task_.users + n * d_;
        for (int64_t c = 0; c < d_; c += V::kLanes) {
          Floats here = token < 0 ? V::Zero() : V::Load(hidden + (token - first_token) * d_ + c);
          if (profile != nullptr) here = V::Add(here, V::Load(profile + c));
          V::Store(user + c, here);
        }
      }
    }
  }

  PPR_FUSED_INLINE float Dot(const float* a, const float* b) const {
    Floats sum = V::Zero();
    for (int64_t c = 0; c < d_; c += V::kLanes) sum = V::MulAdd(V::Load(a + c), V::Load(b + c), sum);
    return V::Sum(sum);
  }

  // The loss of the positives' scores [count_], and their coefficients in their place; bce only.
  Floats PositiveLoss(float* positive) const {
    Floats loss = V::Zero();
    for (int64_t i = 0; i < count_; i += V::kLanes) {
      const typename V::Mask real = V::First(count_ - i);
      Floats derivative;
      loss = V::Add(loss, V::KeepWhere(real, Softplus<V>(V::Negate(V::Load(positive + i)), derivative)));
      V::Store(positive + i, V::Mul(derivative, V::Set(-task_.scale)));
    }
    return loss;
  }

  // Scores [1 + K][padded] by candidate, so that vectors run over targets.
  void OwnNegatives(NextItemSums* sums) {
    const int64_t negatives = task_.negatives;
    for (int64_t i = 0; i < count_; ++i) {
      constexpr int64_t kAhead = 3;
      for (int64_t k = 0; k <= negatives && i + kAhead < count_; ++k)
        PrefetchRow(Candidate(i + kAhead, k), d_);
      for (int64_t k = 0; k <= negatives; ++k) scores_[k * padded_ + i] = Dot(User(i), Candidate(i, k));
    }
    for (int64_t k = 0; k <= negatives; ++k) {  // lanes past the last target: any numbers
      for (int64_t i = count_; i < padded_; ++i) scores_[k * padded_ + i] = 0;
    }
    const Floats share = V::Set(1.0F / static_cast<float>(negatives)), scale = V::Set(task_.scale);
    Floats loss = V::Zero();
    for (int64_t i = 0; i < count_; i += V::kLanes) {
      const typename V::Mask real = V::First(count_ - i);
      const Floats positive = V::Load(scores_ + i);
      Floats sum = V::Zero(), of_positive = V::Zero();
      for (int64_t k = 1; k <= negatives; ++k) {
        float* const at = scores_ + k * padded_ + i;
        Floats derivative;
        const Floats excess = task_.is_bpr ? V::Sub(V::Load(at), positive) : V::Load(at);
        sum = V::Add(sum, Softplus<V>(excess, derivative));
        const Floats coefficient = V::Mul(V::Mul(derivative, share), scale);
        of_positive = V::Sub(of_positive, coefficient);
        V::Store(at, coefficient);
      }
      loss = V::Add(loss, V::KeepWhere(real, V::Mul(sum, share)));
      if (task_.is_bpr) V::Store(scores_ + i, of_positive);
    }
    if (!task_.is_bpr) loss = V::Add(loss, PositiveLoss(scores_));
    sums->loss += static_cast<double>(V::Sum(loss));
    for (int64_t i = 0; i < count_; ++i) {
      float* const to = task_.coefficients + (first_ + i) * (1 + negatives);
      for (int64_t k = 0; k <= negatives; ++k) to[k] = scores_[k * padded_ + i];
    }
  }

  // scores [targets, step] of the shared rows become coefficients; of one target.
  PPR_FUSED_INLINE Floats SharedRow(int64_t k_count, float share, float positive, float* row,
                                    Floats* total) const {
    Floats loss = V::Zero();
    const Floats shift = V::Set(task_.is_bpr ? positive : 0.0F);
    for (int64_t k = 0; k < WholeVectors<V>(k_count); k += V::kLanes) {
      const typename V::Mask real = V::First(k_count - k);
      Floats derivative;
      const Floats here = Softplus<V>(V::Sub(V::Load(row + k), shift), derivative);
      loss = V::Add(loss, V::KeepWhere(real, here));
      const Floats coefficient = V::KeepWhere(real, V::Mul(derivative, V::Set(share * task_.scale)));
      *total = V::Add(*total, coefficient);
      V::Store(row + k, coefficient);
    }
    return V::Mul(loss, V::Set(share));
  }

  void SharedNegatives(NextItemSums* sums) {
    const int64_t negatives = task_.negatives, step = task_.shared_step;
    float* const positive = scores_;
    for (int64_t i = 0; i < count_; ++i) positive[i] = Dot(User(i), Candidate(i, 0));
    for (int64_t i = count_; i < padded_; ++i) positive[i] = 0;
    Multiply<V>({count_, step, d_, RowsOf(User(0), d_), task_.shared_transposed, step, matrix_, step});
    Floats loss = V::Zero();
    for (int64_t b = chunk_.first; b < chunk_.last; ++b) {
      const int64_t excluded = task_.excluded[b + 1] - task_.excluded[b];
      const float share = excluded == negatives ? 0.0F : 1.0F / static_cast<float>(negatives - excluded);
      for (int64_t n = task_.targets[b]; n < task_.targets[b + 1]; ++n) {
        float* const row = matrix_ + (n - first_) * step;
        // A score this low has a loss and a derivative of 1e-38.
        for (int64_t e = task_.excluded[b]; e < task_.excluded[b + 1]; ++e)
          row[task_.excluded_index[e]] = -1e30F;
        Floats total = V::Zero();
        loss = V::Add(loss, SharedRow(negatives, share, positive[n - first_], row, &total));
        if (task_.is_bpr) positive[n - first_] = -V::Sum(total);
      }
    }
    if (!task_.is_bpr) loss = V::Add(loss, PositiveLoss(positive));
    sums->loss += static_cast<double>(V::Sum(loss));
    for (int64_t i = 0; i < count_; ++i) task_.coefficients[first_ + i] = positive[i];
    Multiply<V>({count_, d_, negatives, RowsOf(matrix_, step), task_.shared, d_, d_users_, d_});
    if (sums->shared_gradient != nullptr) {
      Multiply<V>({negatives, d_, count_, ColumnsOf(matrix_, step), User(0), d_, sums->shared_gradient, d_,
                   Start::kSum});
    }
  }

  // d user = the sum of coefficient * row; to the read-out token and the sequence's profile.
  void ReturnToTokens(int64_t first_token, float* d_hidden, float* profile_gradient) {
    for (int64_t b = chunk_.first; b < chunk_.last; ++b) {
      for (int64_t n = task_.targets[b]; n < task_.targets[b + 1]; ++n) {
        const int64_t token = task_.target_tokens[n], i = n - first_;
        const float* const coefficient = task_.coefficients + n * per_target();
        for (int64_t c = 0; c < d_; c += V::kLanes) {
          Floats sum = task_.shared != nullptr ? V::Load(d_users_ + i * d_ + c) : V::Zero();
          for (int64_t k = 0; k < per_target(); ++k)
            sum = V::MulAdd(V::Set(coefficient[k]), V::Load(Candidate(i, k) + c), sum);
          if (token >= 0) {
            float* const to = d_hidden + (token - first_token) * d_ + c;
            V::Store(to, V::Add(V::Load(to), sum));
          }
          if (profile_gradient != nullptr) {
            float* const to = profile_gradient + b * d_ + c;
            V::Store(to, V::Add(V::Load(to), sum));
          }
        }
      }
    }
  }

  const NextItemTask& task_;
  const Chunk chunk_;
  const int64_t first_, count_, padded_, d_;
  float* const scores_;   // own negatives: [1 + K][padded]; shared: [padded], of the positives
  float* const matrix_;   // shared negatives only: [count, shared_step], scores, then coefficients
  float* const d_users_;  // shared negatives only: [count, d]
};

}  // namespace ppr::model::fused
