// Scores, loss and derivatives of the targets of one chunk, while its read-outs are in cache.
#pragma once

#include <cstdint>

#include "model/fused/causal_attention.h"
#include "model/fused/chunk_task.h"
#include "model/fused/gemm.h"
#include "model/fused/inline.h"
#include "model/fused/vector_math.h"
#include "model/losses/registry.h"

namespace ppr::model::fused {

// Floats of scratch for a chunk of `targets` targets.
template <class V>
int64_t NextItemScratch(const NextItemTask& task, int64_t targets) {
  const int64_t padded = WholeVectors<V>(targets) + V::kLanes;
  return task.shared == nullptr ? padded * (2 + task.negatives)
                                : padded * 2 + targets * (task.shared_step + task.width) + 2 * V::kLanes;
}

// Terms of losses (losses/terms.h) on vectors of targets or of negatives.
template <class V>
struct LaneTerms {
  using Floats = typename V::Floats;
  PPR_FUSED_INLINE static Floats Sub(Floats a, Floats b) { return V::Sub(a, b); }
  PPR_FUSED_INLINE static Floats Negate(Floats x) { return V::Negate(x); }
  PPR_FUSED_INLINE static Floats Times(Floats x, double factor) {
    return V::Mul(x, V::Set(static_cast<float>(factor)));
  }
  PPR_FUSED_INLINE static Floats Softplus(Floats x, Floats& derivative) {
    return fused::Softplus<V>(x, derivative);
  }
};

template <class V>
class NextItemChunk {
 public:
  using Floats = typename V::Floats;
  using Terms = LaneTerms<V>;

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
    WithLoss(task_.loss, [&](auto loss) {
      if constexpr (kHasTerms<decltype(loss)>) {
        if (task_.shared != nullptr) {
          SharedNegatives(loss, sums);
        } else {
          OwnNegatives(loss, sums);
        }
      }
    });
    ReturnToTokens(first_token, d_hidden, sums->profile_gradient);
  }

 private:
  // A score whose loss, derivative and exponential are 1e-38 or 0.
  static constexpr float kNoScore = -1e30F;

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

  // The loss of the positives' scores [count_], and their coefficients in their place.
  template <class Loss>
  Floats PositiveLoss(const Loss& loss, float* positive) const {
    Floats sum = V::Zero();
    for (int64_t i = 0; i < count_; i += V::kLanes) {
      const typename V::Mask real = V::First(count_ - i);
      Floats derivative;
      const Floats here = loss.template Positive<Terms>(V::Load(positive + i), derivative);
      sum = V::Add(sum, V::KeepWhere(real, here));
      V::Store(positive + i, V::Mul(derivative, V::Set(task_.scale)));
    }
    return sum;
  }

  // Scores [1 + K][padded] by candidate, so that vectors run over targets; lanes past the last target: any
  // numbers.
  void ScoreCandidates() {
    const int64_t negatives = task_.negatives;
    for (int64_t i = 0; i < count_; ++i) {
      constexpr int64_t kAhead = 3;
      for (int64_t k = 0; k <= negatives && i + kAhead < count_; ++k)
        PrefetchRow(Candidate(i + kAhead, k), d_);
      for (int64_t k = 0; k <= negatives; ++k) scores_[k * padded_ + i] = Dot(User(i), Candidate(i, k));
    }
    for (int64_t k = 0; k <= negatives; ++k) {
      for (int64_t i = count_; i < padded_; ++i) scores_[k * padded_ + i] = 0;
    }
    if (task_.shifts == nullptr) return;
    for (int64_t i = 0; i < count_; ++i) {
      for (int64_t k = 1; k <= negatives; ++k)
        scores_[k * padded_ + i] += task_.shifts[(first_ + i) * negatives + k - 1];
    }
  }

  // Of the targets of vector i: scores of negatives become coefficients.
  template <class Loss>
  PPR_FUSED_INLINE Floats MeanOverOwn(const Loss& loss, int64_t i, Floats positive,
                                      Floats* of_positive) const {
    const Floats share = V::Set(1.0F / static_cast<float>(task_.negatives)), scale = V::Set(task_.scale);
    Floats sum = V::Zero();
    for (int64_t k = 1; k <= task_.negatives; ++k) {
      float* const at = scores_ + k * padded_ + i;
      Floats derivative;
      sum = V::Add(sum, loss.template Negative<Terms>(positive, V::Load(at), derivative));
      const Floats coefficient = V::Mul(V::Mul(derivative, share), scale);
      *of_positive = V::Sub(*of_positive, coefficient);
      V::Store(at, coefficient);
    }
    return V::Mul(sum, share);
  }

  template <class Loss>
  PPR_FUSED_INLINE Floats LogSumExpOverOwn(const Loss& loss, int64_t i, Floats positive,
                                           Floats* of_positive) const {
    const auto at = [&](int64_t k) { return scores_ + k * padded_ + i; };
    Floats largest = V::Load(at(1)), sum = V::Zero(), derivative;
    for (int64_t k = 2; k <= task_.negatives; ++k) largest = V::Max(largest, V::Load(at(k)));
    for (int64_t k = 1; k <= task_.negatives; ++k) {
      const Floats weight = Exp<V>(V::Sub(V::Load(at(k)), largest));
      sum = V::Add(sum, weight);
      V::Store(at(k), weight);
    }
    const Floats here = loss.template Negative<Terms>(positive, V::Add(largest, Log<V>(sum)), derivative);
    derivative = V::Mul(derivative, V::Set(task_.scale));
    const Floats factor = V::Div(derivative, sum);
    for (int64_t k = 1; k <= task_.negatives; ++k) V::Store(at(k), V::Mul(V::Load(at(k)), factor));
    *of_positive = V::Sub(*of_positive, derivative);
    return here;
  }

  template <class Loss>
  void OwnNegatives(const Loss& loss, NextItemSums* sums) {
    ScoreCandidates();
    Floats total = V::Zero();
    for (int64_t i = 0; i < count_; i += V::kLanes) {
      const typename V::Mask real = V::First(count_ - i);
      const Floats positive = V::Load(scores_ + i);
      Floats of_positive = V::Zero(), here;
      if constexpr (Loss::kOver == OverNegatives::kMean)
        here = MeanOverOwn(loss, i, positive, &of_positive);
      else
        here = LogSumExpOverOwn(loss, i, positive, &of_positive);
      total = V::Add(total, V::KeepWhere(real, here));
      if constexpr (Loss::kComparesPositive) V::Store(scores_ + i, of_positive);
    }
    if constexpr (Loss::kScoresPositive) total = V::Add(total, PositiveLoss(loss, scores_));
    sums->loss += static_cast<double>(V::Sum(total));
    for (int64_t i = 0; i < count_; ++i) {
      float* const to = task_.coefficients + (first_ + i) * (1 + task_.negatives);
      for (int64_t k = 0; k <= task_.negatives; ++k) to[k] = scores_[k * padded_ + i];
    }
  }

  // scores [K] of the shared rows become coefficients; of one target, `counted` of whose negatives count.
  // Scores of -1e30 do not.
  template <class Loss>
  PPR_FUSED_INLINE Floats MeanOverShared(const Loss& loss, int64_t counted, float positive, float* row,
                                         float* of_positive) const {
    const float share = counted == 0 ? 0.0F : 1.0F / static_cast<float>(counted);
    Floats sum = V::Zero(), total = V::Zero();
    for (int64_t k = 0; k < WholeVectors<V>(task_.negatives); k += V::kLanes) {
      const typename V::Mask real = V::First(task_.negatives - k);
      Floats derivative;
      const Floats here = loss.template Negative<Terms>(V::Set(positive), V::Load(row + k), derivative);
      sum = V::Add(sum, V::KeepWhere(real, here));
      const Floats coefficient = V::KeepWhere(real, V::Mul(derivative, V::Set(share * task_.scale)));
      total = V::Add(total, coefficient);
      V::Store(row + k, coefficient);
    }
    *of_positive = -V::Sum(total);
    return V::Mul(sum, V::Set(share));
  }

  template <class Loss>
  PPR_FUSED_INLINE Floats LogSumExpOverShared(const Loss& loss, float positive, float* row,
                                              float* of_positive) const {
    const int64_t negatives = task_.negatives, padded = WholeVectors<V>(negatives);
    for (int64_t k = negatives; k < padded; ++k) row[k] = kNoScore;
    Floats largest = V::Load(row), sum = V::Zero(), derivative;
    for (int64_t k = V::kLanes; k < padded; k += V::kLanes) largest = V::Max(largest, V::Load(row + k));
    const Floats shift = V::Set(V::Largest(largest));
    for (int64_t k = 0; k < padded; k += V::kLanes) {
      const Floats weight = Exp<V>(V::Sub(V::Load(row + k), shift));
      sum = V::Add(sum, V::KeepWhere(V::First(negatives - k), weight));
      V::Store(row + k, weight);
    }
    const Floats all = V::Set(V::Sum(sum));
    const Floats here =
        loss.template Negative<Terms>(V::Set(positive), V::Add(shift, Log<V>(all)), derivative);
    derivative = V::Mul(derivative, V::Set(task_.scale));
    const Floats factor = V::Div(derivative, all);
    for (int64_t k = 0; k < padded; k += V::kLanes) {
      V::Store(row + k, V::KeepWhere(V::First(negatives - k), V::Mul(V::Load(row + k), factor)));
    }
    *of_positive = -V::Largest(derivative);
    return V::KeepWhere(V::First(1), here);
  }

  template <class Loss>
  void SharedNegatives(const Loss& loss, NextItemSums* sums) {
    const int64_t negatives = task_.negatives, step = task_.shared_step;
    float* const positive = scores_;
    for (int64_t i = 0; i < count_; ++i) positive[i] = Dot(User(i), Candidate(i, 0));
    for (int64_t i = count_; i < padded_; ++i) positive[i] = 0;
    Multiply<V>({count_, step, d_, RowsOf(User(0), d_), task_.shared_transposed, step, matrix_, step});
    Floats total = V::Zero();
    for (int64_t b = chunk_.first; b < chunk_.last; ++b) {
      const int64_t counted = negatives - (task_.excluded[b + 1] - task_.excluded[b]);
      for (int64_t n = task_.targets[b]; n < task_.targets[b + 1]; ++n) {
        float* const row = matrix_ + (n - first_) * step;
        if (task_.shifts != nullptr) {
          for (int64_t k = 0; k < step; k += V::kLanes)
            V::Store(row + k, V::Add(V::Load(row + k), V::Load(task_.shifts + k)));
        }
        for (int64_t e = task_.excluded[b]; e < task_.excluded[b + 1]; ++e)
          row[task_.excluded_index[e]] = kNoScore;
        float of_positive;
        if constexpr (Loss::kOver == OverNegatives::kMean)
          total = V::Add(total, MeanOverShared(loss, counted, positive[n - first_], row, &of_positive));
        else
          total = V::Add(total, LogSumExpOverShared(loss, positive[n - first_], row, &of_positive));
        if constexpr (Loss::kComparesPositive) positive[n - first_] = of_positive;
      }
    }
    if constexpr (Loss::kScoresPositive) total = V::Add(total, PositiveLoss(loss, positive));
    sums->loss += static_cast<double>(V::Sum(total));
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
