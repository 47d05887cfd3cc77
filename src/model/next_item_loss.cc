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
  int64_t width;
  int64_t per_target;  // 1 + K
};

// log(1 + exp(x)) without overflow, and its derivative.
template <typename Scalar>
PPR_INLINE Scalar Softplus(Scalar x) {
  return (x > 0 ? x : Scalar{0}) + std::log1p(std::exp(x > 0 ? -x : x));
}
template <typename Scalar>
PPR_INLINE Scalar Sigmoid(Scalar x) {
  return 1 / (1 + std::exp(-x));
}

// scores [1 + K] of one target in, derivatives of its loss by score out; returns the loss.
template <typename Scalar>
PPR_INLINE Scalar LossOfScores(NextItemLoss kind, Scalar* scores, int64_t per_target) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(per_target - 1);
  const Scalar positive = scores[0];
  const bool is_bpr = kind == NextItemLoss::kBpr;
  Scalar loss = is_bpr ? Scalar{0} : Softplus<Scalar>(-positive);
  scores[0] = is_bpr ? Scalar{0} : -Sigmoid<Scalar>(-positive);
  for (int64_t k = 1; k < per_target; ++k) {
    const Scalar excess = is_bpr ? scores[k] - positive : scores[k];  // how wrong the negative is
    loss += share * Softplus<Scalar>(excess);
    scores[k] = share * Sigmoid<Scalar>(excess);
    if (is_bpr) scores[0] -= scores[k];
  }
  return loss;
}

template <typename Scalar>
PPR_INLINE void ScoreTargets(NextItemLoss kind, const Candidates<Scalar>& candidates, int64_t first,
                             int64_t last, Scalar* losses, Scalar* coefficients) {
  for (int64_t n = first; n < last; ++n) {
    Scalar* const scores = coefficients + n * candidates.per_target;
    const int64_t* const index = candidates.index + n * candidates.per_target;
    for (int64_t k = 0; k < candidates.per_target; ++k) {
      scores[k] = simd::Dot<Scalar>(candidates.users + n * candidates.width,
                                    candidates.rows + index[k] * candidates.width, candidates.width);
    }
    losses[n] = LossOfScores<Scalar>(kind, scores, candidates.per_target);
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
  PPR_MULTI_TARGET void ScoreTargetsOfType(NextItemLoss kind, const Candidates<Scalar>& candidates,       \
                                           int64_t first, int64_t last, Scalar* losses,                   \
                                           Scalar* coefficients) {                                        \
    ScoreTargets(kind, candidates, first, last, losses, coefficients);                                    \
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
Candidates<Scalar> MakeCandidates(const at::Tensor& users, const at::Tensor& rows, const at::Tensor& index) {
  return {users.const_data_ptr<Scalar>(), rows.const_data_ptr<Scalar>(), index.const_data_ptr<int64_t>(),
          users.size(1), index.size(1)};
}

// The loss sum; fills in coefficients [N, 1 + K].
template <typename Scalar>
at::Tensor SumLosses(NextItemLoss kind, const at::Tensor& users, const at::Tensor& rows,
                     const at::Tensor& index, at::Tensor& coefficients) {
  const int64_t targets = users.size(0);
  const Candidates<Scalar> candidates = MakeCandidates<Scalar>(users, rows, index);
  std::vector<Scalar> losses(static_cast<size_t>(targets));
  Scalar* const to = coefficients.mutable_data_ptr<Scalar>();
  at::parallel_for(0, targets, kGrainTargets, [&](int64_t first, int64_t last) {
    ScoreTargetsOfType(kind, candidates, first, last, losses.data(), to);
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
                          const at::Tensor& index, int64_t kind_number) {
    const auto kind = static_cast<NextItemLoss>(kind_number);
    const at::Tensor users = users_in.contiguous(), rows = rows_in.contiguous();
    at::Tensor coefficients = at::empty(index.sizes(), users.options());
    context->save_for_backward({users, rows, index, coefficients});
    return users.scalar_type() == at::kFloat ? SumLosses<float>(kind, users, rows, index, coefficients)
                                             : SumLosses<double>(kind, users, rows, index, coefficients);
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
    return {of_users, of_rows, at::Tensor(), at::Tensor()};
  }
};

void CheckShapes(const at::Tensor& users, const at::Tensor& rows, const at::Tensor& positives,
                 const at::Tensor& negatives) {
  const int64_t targets = users.size(0);
  PPR_BUG_IF_NOT(users.dim() == 2 && rows.dim() == 2 && users.size(1) == rows.size(1),
                 "users and rows differ in width");
  PPR_BUG_IF_NOT(positives.dim() == 1 && negatives.dim() == 2 && positives.size(0) == targets &&
                     negatives.size(0) == targets,
                 "positives and negatives are not [N] and [N, K] for N = " + std::to_string(targets));
  PPR_BUG_IF_NOT(targets == 0 || negatives.size(1) >= 1,
                 "a next-item loss needs at least one negative a target");
}

}  // namespace

at::Tensor NextItemLossSum(NextItemLoss kind, const at::Tensor& users, const at::Tensor& rows,
                           const at::Tensor& positives, const at::Tensor& negatives) {
  CheckShapes(users, rows, positives, negatives);
  const bool kernel_takes_it = users.is_cpu() && users.scalar_type() == rows.scalar_type() &&
                               (users.scalar_type() == at::kFloat || users.scalar_type() == at::kDouble);
  if (!kernel_takes_it) return NextItemLossSumReference(kind, users, rows, positives, negatives);
  const at::Tensor index = at::cat({positives.unsqueeze(1), negatives}, 1);  // [N, 1 + K]
  PPR_BUG_IF_NOT(
      index.numel() == 0 || (index.min().item<int64_t>() >= 0 && index.max().item<int64_t>() < rows.size(0)),
      "a positive or negative is not a row of the " + std::to_string(rows.size(0)) + " given");
  return NextItemFunction::apply(users, rows, index, static_cast<int64_t>(kind));
}

at::Tensor NextItemLossSumReference(NextItemLoss kind, const at::Tensor& users, const at::Tensor& rows,
                                    const at::Tensor& positives, const at::Tensor& negatives) {
  CheckShapes(users, rows, positives, negatives);
  const auto score = [&](const at::Tensor& index) {
    return (users * rows.index_select(0, index)).sum(1);
  };  // [N]
  const at::Tensor positive = score(positives);
  at::Tensor loss = kind == NextItemLoss::kBpr ? at::zeros_like(positive) : -at::log_sigmoid(positive);
  const int64_t num_negatives = negatives.size(1);
  for (int64_t k = 0; k < num_negatives; ++k) {  // one [N, d] product at a time
    const at::Tensor negative = score(negatives.select(1, k));
    const at::Tensor margin = kind == NextItemLoss::kBpr ? positive - negative : -negative;
    loss = loss - at::log_sigmoid(margin) / static_cast<double>(num_negatives);
  }
  return loss.sum();
}

at::Tensor SharedNegativeLossSum(NextItemLoss kind, const at::Tensor& users, const at::Tensor& rows,
                                 const at::Tensor& positives, const at::Tensor& negatives,
                                 const at::Tensor& counts) {
  PPR_BUG_IF_NOT(counts.dim() == 2 && counts.size(0) == users.size(0) && counts.size(1) == negatives.size(0),
                 "counts are not [N, K]");
  const bool is_bpr = kind == NextItemLoss::kBpr;
  const at::Tensor positive = (users * rows.index_select(0, positives)).sum(1);      // [N]
  const at::Tensor scores = at::matmul(users, rows.index_select(0, negatives).t());  // [N, K]
  const at::Tensor excess = is_bpr ? scores - positive.unsqueeze(1) : scores;
  const at::Tensor of_negatives = (-at::log_sigmoid(-excess) * counts).sum(1) / counts.sum(1).clamp_min(1);
  return (is_bpr ? of_negatives : of_negatives - at::log_sigmoid(positive)).sum();
}

}  // namespace ppr::model
