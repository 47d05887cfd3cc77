// Next-item losses: scores, losses and their derivatives by score in one pass; gradients are sums of
// coefficient times row, so nothing of size [N, K, d] exists.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "base/errors.h"
#include "base/multi_target.h"
#include "model/gather_rows.h"
#include "model/losses.h"
#include "model/losses/tensor_terms.h"
#include "model/parallel_groups.h"
#include "model/simd.h"

namespace ppr::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kGrainTargets = 128;

// A candidate is a target's positive (k = 0) or one of its K negatives (k = 1..K).
template <typename Scalar>
struct Candidates {
  const Scalar* users;   // [N, width]
  const Scalar* rows;    // [U, width]
  const int64_t* index;  // [N, per_target] rows of candidates
  const Scalar* shifts;  // [N, per_target - 1] of the negatives' scores; null = none
  int64_t width;
  int64_t per_target;  // 1 + K
};

// Negatives of one target: scores[1 ...] in, derivatives by them out; returns their part of the loss.
template <typename Scalar, class Loss>
PPR_INLINE Scalar MeanOverNegatives(const Loss& loss, Scalar positive, Scalar* scores, int64_t per_target,
                                    Scalar so_far, Scalar& of_positive) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(per_target - 1);
  for (int64_t k = 1; k < per_target; ++k) {
    Scalar derivative;
    so_far += share * loss.template Negative<ScalarTerms<Scalar>>(positive, scores[k], derivative);
    scores[k] = share * derivative;
    if constexpr (Loss::kComparesPositive) of_positive -= scores[k];
  }
  return so_far;
}

template <typename Scalar, class Loss>
PPR_INLINE Scalar LogSumExpOverNegatives(const Loss& loss, Scalar positive, Scalar* scores,
                                         int64_t per_target, Scalar so_far, Scalar& of_positive) {
  Scalar largest = scores[1], sum = 0, derivative;
  for (int64_t k = 2; k < per_target; ++k) largest = scores[k] > largest ? scores[k] : largest;
  for (int64_t k = 1; k < per_target; ++k) {
    scores[k] = std::exp(scores[k] - largest);
    sum += scores[k];
  }
  so_far += loss.template Negative<ScalarTerms<Scalar>>(positive, largest + std::log(sum), derivative);
  for (int64_t k = 1; k < per_target; ++k) scores[k] *= derivative / sum;
  if constexpr (Loss::kComparesPositive) of_positive -= derivative;
  return so_far;
}

// scores [1 + K] of one target in, derivatives of its loss by score out; returns the loss.
template <typename Scalar, class Loss>
PPR_INLINE Scalar LossOfScores(const Loss& loss, Scalar* scores, int64_t per_target) {
  const Scalar positive = scores[0];
  Scalar here = 0, of_positive = 0;
  if constexpr (Loss::kScoresPositive)
    here = loss.template Positive<ScalarTerms<Scalar>>(positive, of_positive);
  if constexpr (Loss::kOver == OverNegatives::kMean)
    here = MeanOverNegatives(loss, positive, scores, per_target, here, of_positive);
  else
    here = LogSumExpOverNegatives(loss, positive, scores, per_target, here, of_positive);
  scores[0] = of_positive;
  return here;
}

template <typename Scalar, class Loss>
PPR_INLINE void ScoreTargets(const Loss& loss, const Candidates<Scalar>& candidates, int64_t first,
                             int64_t last, Scalar* losses, Scalar* coefficients) {
  for (int64_t n = first; n < last; ++n) {
    Scalar* const scores = coefficients + n * candidates.per_target;
    const int64_t* const index = candidates.index + n * candidates.per_target;
    for (int64_t k = 0; k < candidates.per_target; ++k) {
      scores[k] = simd::Dot<Scalar>(candidates.users + n * candidates.width,
                                    candidates.rows + index[k] * candidates.width, candidates.width);
    }
    if (candidates.shifts != nullptr) {
      const Scalar* const shifts = candidates.shifts + n * (candidates.per_target - 1);
      for (int64_t k = 1; k < candidates.per_target; ++k) scores[k] += shifts[k - 1];
    }
    losses[n] = LossOfScores<Scalar>(loss, scores, candidates.per_target);
  }
}

// to[n] := scale * the sum over candidates of coefficient * row.
template <typename Scalar>
PPR_INLINE void UserGradients(const Candidates<Scalar>& candidates, int64_t first, int64_t last,
                              const Scalar* coefficients, Scalar scale, Scalar* to) {
  for (int64_t place = first * candidates.per_target; place < last * candidates.per_target; ++place) {
    simd::AddScaled<Scalar>(scale * coefficients[place],
                            candidates.rows + candidates.index[place] * candidates.width,
                            to + place / candidates.per_target * candidates.width, candidates.width);
  }
}

// to[row] := scale * the sum over the row's occurrences of coefficient * user.
template <typename Scalar>
PPR_INLINE void RowGradients(const Candidates<Scalar>& candidates, const InvertedIndex& occurrences,
                             int64_t first, int64_t last, const Scalar* coefficients, Scalar scale,
                             Scalar* to) {
  const int64_t* const starts = occurrences.starts.data();
  for (int64_t row = first; row < last; ++row) {
    for (int64_t o = starts[row]; o < starts[row + 1]; ++o) {
      const int64_t place = occurrences.places[static_cast<size_t>(o)];
      simd::AddScaled<Scalar>(scale * coefficients[place],
                              candidates.users + place / candidates.per_target * candidates.width,
                              to + row * candidates.width, candidates.width);
    }
  }
}

#define PPR_KERNELS_OF_TYPE(Scalar)                                                                       \
  PPR_MULTI_TARGET void ScoreTargetsOfType(const NextItemLossSpec& spec,                                  \
                                           const Candidates<Scalar>& candidates, int64_t first,           \
                                           int64_t last, Scalar* losses, Scalar* coefficients) {          \
    WithLoss(                                                                                             \
        spec, [&](auto loss) __attribute__((always_inline)) {                                             \
          if constexpr (kHasTerms<decltype(loss)>)                                                        \
            ScoreTargets(loss, candidates, first, last, losses, coefficients);                            \
        });                                                                                               \
  }                                                                                                       \
  PPR_MULTI_TARGET void UserGradientsOfType(const Candidates<Scalar>& candidates, int64_t first,          \
                                            int64_t last, const Scalar* coefficients, Scalar scale,       \
                                            Scalar* to) {                                                 \
    UserGradients(candidates, first, last, coefficients, scale, to);                                      \
  }                                                                                                       \
  PPR_MULTI_TARGET void RowGradientsOfType(const Candidates<Scalar>& candidates,                          \
                                           const InvertedIndex& occurrences, int64_t first, int64_t last, \
                                           const Scalar* coefficients, Scalar scale, Scalar* to) {        \
    RowGradients(candidates, occurrences, first, last, coefficients, scale, to);                          \
  }
PPR_KERNELS_OF_TYPE(float)
PPR_KERNELS_OF_TYPE(double)
#undef PPR_KERNELS_OF_TYPE

template <typename Scalar>
Candidates<Scalar> MakeCandidates(const at::Tensor& users, const at::Tensor& rows, const at::Tensor& index,
                                  const at::Tensor& shifts = {}) {
  return {users.const_data_ptr<Scalar>(),
          rows.const_data_ptr<Scalar>(),
          index.const_data_ptr<int64_t>(),
          shifts.defined() && shifts.numel() > 0 ? shifts.const_data_ptr<Scalar>() : nullptr,
          users.size(1),
          index.size(1)};
}

// The loss sum; fills in coefficients [N, 1 + K].
template <typename Scalar>
at::Tensor SumLosses(const NextItemLossSpec& spec, const at::Tensor& users, const at::Tensor& rows,
                     const at::Tensor& index, const at::Tensor& shifts, at::Tensor& coefficients) {
  const int64_t targets = users.size(0);
  const Candidates<Scalar> candidates = MakeCandidates<Scalar>(users, rows, index, shifts);
  std::vector<Scalar> losses(static_cast<size_t>(targets));
  Scalar* const to = coefficients.mutable_data_ptr<Scalar>();
  at::parallel_for(0, targets, kGrainTargets, [&](int64_t first, int64_t last) {
    ScoreTargetsOfType(spec, candidates, first, last, losses.data(), to);
  });
  double sum = 0;  // in target order, so that threads do not show
  for (const Scalar loss : losses) sum += static_cast<double>(loss);
  return at::scalar_tensor(sum, users.options());
}

template <typename Scalar>
at::Tensor GradientOfUsers(const at::Tensor& users, const at::Tensor& rows, const at::Tensor& index,
                           const at::Tensor& coefficients, Scalar scale) {
  at::Tensor gradient = at::zeros_like(users);
  const Candidates<Scalar> candidates = MakeCandidates<Scalar>(users, rows, index);
  Scalar* const to = gradient.mutable_data_ptr<Scalar>();
  at::parallel_for(0, users.size(0), kGrainTargets, [&](int64_t first, int64_t last) {
    UserGradientsOfType(candidates, first, last, coefficients.const_data_ptr<Scalar>(), scale, to);
  });
  return gradient;
}

template <typename Scalar>
at::Tensor GradientOfRows(const at::Tensor& users, const at::Tensor& rows, const at::Tensor& index,
                          const at::Tensor& coefficients, Scalar scale) {
  at::Tensor gradient = at::zeros_like(rows);
  const Candidates<Scalar> candidates = MakeCandidates<Scalar>(users, rows, index);
  const InvertedIndex occurrences(candidates.index, index.numel(), rows.size(0));
  Scalar* const to = gradient.mutable_data_ptr<Scalar>();
  ParallelOverGroups(occurrences.starts.data(), rows.size(0), kGrainTargets,
                     [&](int64_t first, int64_t last) {
                       RowGradientsOfType(candidates, occurrences, first, last,
                                          coefficients.const_data_ptr<Scalar>(), scale, to);
                     });
  return gradient;
}

class NextItemFunction : public torch::autograd::Function<NextItemFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& users_in, const Variable& rows_in,
                          const at::Tensor& index, const at::Tensor& shifts, const NextItemLossSpec& spec) {
    const at::Tensor users = users_in.contiguous(), rows = rows_in.contiguous();
    at::Tensor coefficients = at::empty(index.sizes(), users.options());
    context->save_for_backward({users, rows, index, coefficients});
    return users.scalar_type() == at::kFloat
               ? SumLosses<float>(spec, users, rows, index, shifts, coefficients)
               : SumLosses<double>(spec, users, rows, index, shifts, coefficients);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &users = saved[0], &rows = saved[1], &index = saved[2], &coefficients = saved[3];
    const double scale = gradients[0].item<double>();
    const bool is_float = users.scalar_type() == at::kFloat;
    at::Tensor of_users, of_rows;
    if (context->needs_input_grad(0)) {
      of_users = is_float
                     ? GradientOfUsers<float>(users, rows, index, coefficients, static_cast<float>(scale))
                     : GradientOfUsers<double>(users, rows, index, coefficients, scale);
    }
    if (context->needs_input_grad(1)) {
      of_rows = is_float ? GradientOfRows<float>(users, rows, index, coefficients, static_cast<float>(scale))
                         : GradientOfRows<double>(users, rows, index, coefficients, scale);
    }
    return {of_users, of_rows, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

void CheckHasTerms(const NextItemLossSpec& spec) {
  PPR_BUG_IF_NOT(!FactsOf(spec.kind).reads_whole_table,
                 std::string("the loss ") + FactsOf(spec.kind).name + " has no negatives");
}

void CheckShapes(const NextItemLossSpec& spec, const at::Tensor& users, const at::Tensor& rows,
                 const at::Tensor& positives, const at::Tensor& negatives, const at::Tensor& shifts) {
  CheckHasTerms(spec);
  const int64_t targets = users.size(0);
  PPR_BUG_IF_NOT(users.dim() == 2 && rows.dim() == 2 && users.size(1) == rows.size(1),
                 "users and rows differ in width");
  PPR_BUG_IF_NOT(positives.dim() == 1 && negatives.dim() == 2 && positives.size(0) == targets &&
                     negatives.size(0) == targets,
                 "positives and negatives are not [N] and [N, K] for N = " + std::to_string(targets));
  PPR_BUG_IF_NOT(targets == 0 || negatives.size(1) >= 1,
                 "a next-item loss needs at least one negative a target");
  PPR_BUG_IF_NOT(!shifts.defined() || shifts.sizes() == negatives.sizes(), "shifts are not [N, K]");
}

// Sum over targets of the loss of scores: positives [N], negatives [N, K], which count where counts [N, K] is
// 1; undefined: all.
at::Tensor SumOfScores(const NextItemLossSpec& spec, const at::Tensor& positives, const at::Tensor& negatives,
                       const at::Tensor& counts) {
  return WithLoss(spec, [&](auto loss) -> at::Tensor {
    using Loss = decltype(loss);
    if constexpr (!kHasTerms<Loss>) {
      throw BugError("a loss without terms has no scores");
    } else {
      at::Tensor derivative, sum;
      if constexpr (Loss::kOver == OverNegatives::kMean) {
        const at::Tensor each =
            loss.template Negative<TensorTerms>(positives.unsqueeze(1), negatives, derivative);
        sum = counts.defined() ? (each * counts).sum(1) / counts.sum(1).clamp_min(1) : each.mean(1);
      } else {
        constexpr double kNone = -1e30;  // its exponential is 0, and so is the gradient
        const at::Tensor counted = counts.defined() ? negatives.masked_fill(counts.eq(0), kNone) : negatives;
        sum = loss.template Negative<TensorTerms>(positives, at::logsumexp(counted, 1), derivative);
      }
      if constexpr (Loss::kScoresPositive)
        sum = sum + loss.template Positive<TensorTerms>(positives, derivative);
      return sum.sum();
    }
  });
}

}  // namespace

NextItemLossFacts FactsOf(NextItemLoss kind) {
  return WithLoss(kind, [](auto loss) { return decltype(loss)::kFacts; });
}

const settings::NameTable<NextItemLoss>& NamesOf(NextItemLoss) {
  static const settings::NameTable<NextItemLoss> names = [] {
    settings::NameTable<NextItemLoss> table;
    for (const NextItemLoss kind : kNextItemLosses) table.emplace_back(FactsOf(kind).name, kind);
    return table;
  }();
  return names;
}

at::Tensor NextItemLossSum(const NextItemLossSpec& spec, const at::Tensor& users, const at::Tensor& rows,
                           const at::Tensor& positives, const at::Tensor& negatives,
                           const at::Tensor& shifts) {
  CheckShapes(spec, users, rows, positives, negatives, shifts);
  const bool kernel_takes_it = users.is_cpu() && users.scalar_type() == rows.scalar_type() &&
                               (users.scalar_type() == at::kFloat || users.scalar_type() == at::kDouble);
  if (!kernel_takes_it) return NextItemLossSumReference(spec, users, rows, positives, negatives, shifts);
  const at::Tensor index = at::cat({positives.unsqueeze(1), negatives}, 1);  // [N, 1 + K]
  PPR_BUG_IF_NOT(
      index.numel() == 0 || (index.min().item<int64_t>() >= 0 && index.max().item<int64_t>() < rows.size(0)),
      "a positive or negative is not a row of the " + std::to_string(rows.size(0)) + " given");
  const at::Tensor same_type =
      shifts.defined() ? shifts.to(users.scalar_type()).contiguous() : at::empty({0}, users.options());
  return NextItemFunction::apply(users, rows, index, same_type, spec);
}

at::Tensor NextItemLossSumReference(const NextItemLossSpec& spec, const at::Tensor& users,
                                    const at::Tensor& rows, const at::Tensor& positives,
                                    const at::Tensor& negatives, const at::Tensor& shifts) {
  CheckShapes(spec, users, rows, positives, negatives, shifts);
  if (users.size(0) == 0) return users.sum() + rows.sum() * 0;
  const auto score = [&](const at::Tensor& index) {
    return (users * rows.index_select(0, index)).sum(1);
  };  // [N]
  std::vector<at::Tensor> scores;
  for (int64_t k = 0; k < negatives.size(1); ++k)  // one [N, d] product at a time
    scores.push_back(score(negatives.select(1, k)));
  at::Tensor of_negatives = at::stack(scores, 1);
  if (shifts.defined()) of_negatives = of_negatives + shifts;
  return SumOfScores(spec, score(positives), of_negatives, {});
}

at::Tensor SharedNegativeLossSum(const NextItemLossSpec& spec, const at::Tensor& users,
                                 const at::Tensor& rows, const at::Tensor& positives,
                                 const at::Tensor& negatives, const at::Tensor& counts,
                                 const at::Tensor& shifts) {
  CheckHasTerms(spec);
  PPR_BUG_IF_NOT(counts.dim() == 2 && counts.size(0) == users.size(0) && counts.size(1) == negatives.size(0),
                 "counts are not [N, K]");
  const at::Tensor positive = (users * rows.index_select(0, positives)).sum(1);  // [N]
  at::Tensor scores = at::matmul(users, rows.index_select(0, negatives).t());    // [N, K]
  if (shifts.defined()) scores = scores + shifts;
  return SumOfScores(spec, positive, scores, counts);
}

}  // namespace ppr::model
