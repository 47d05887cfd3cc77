#include "model/catalogue_softmax_loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/errors.h"
#include "model/gathered_rows.h"

namespace ppr::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// The targets of all ranks against this rank's rows.
struct ShardProblem {
  at::Tensor users;  // [N, d], times the scale
  at::Tensor slots;  // [N] int64: the positive's slot here, or -1 where another rank keeps it
  at::Tensor rows;   // [S, d]
  int64_t tile_users, tile_rows;
};

// Scores of users [first_user, +num_users) with rows [first_row, +num_rows).
struct Tile {
  int64_t first_user, num_users, first_row, num_rows;
  at::Tensor users, rows;  // [num_users, d], [num_rows, d]
  at::Tensor scores;       // [num_users, num_rows]

  at::Tensor OfUsers(const at::Tensor& all) const { return all.narrow(0, first_user, num_users); }
};

// Calls body(tile) over all scores of the shard, users within rows.
template <typename Body>
void ForTiles(const ShardProblem& problem, const Body& body) {
  const int64_t num_users = problem.users.size(0), num_rows = problem.rows.size(0);
  for (int64_t row = 0; row < num_rows; row += problem.tile_rows) {
    for (int64_t user = 0; user < num_users; user += problem.tile_users) {
      Tile tile{.first_user = user,
                .num_users = std::min(problem.tile_users, num_users - user),
                .first_row = row,
                .num_rows = std::min(problem.tile_rows, num_rows - row),
                .users = {},
                .rows = {},
                .scores = {}};
      tile.users = tile.OfUsers(problem.users);
      tile.rows = problem.rows.narrow(0, tile.first_row, tile.num_rows);
      tile.scores = at::mm(tile.users, tile.rows.t());
      body(tile);
    }
  }
}

// Where the tile's positives stand: a column [num_users, 1] for each user, and 1 where it is the positive's,
// 0 where the positive is not in the tile (the column is then any).
struct PositivePlaces {
  at::Tensor columns, present;
};

PositivePlaces PositivesIn(const Tile& tile, const at::Tensor& slots) {
  const at::Tensor columns = (tile.OfUsers(slots) - tile.first_row).unsqueeze(1);
  const at::Tensor present = columns.ge(0).logical_and(columns.lt(tile.num_rows));
  return {columns.clamp(0, tile.num_rows - 1), present.to(tile.scores.scalar_type())};
}

// This rank's parts: log sum exp over its rows (-infinity without rows) and the positive's score, 0 where
// another rank keeps it. Both [N].
struct ShardSums {
  at::Tensor log_sum_exp, positive;
};

ShardSums SumOverShard(const ShardProblem& problem) {
  const int64_t targets = problem.users.size(0);
  ShardSums sums{at::full({targets}, -std::numeric_limits<double>::infinity(), problem.users.options()),
                 at::zeros({targets}, problem.users.options())};
  ForTiles(problem, [&](const Tile& tile) {
    at::Tensor log_sum_exp = tile.OfUsers(sums.log_sum_exp);
    log_sum_exp.copy_(at::logaddexp(log_sum_exp, at::logsumexp(tile.scores, 1)));
    const PositivePlaces places = PositivesIn(tile, problem.slots);
    tile.OfUsers(sums.positive).add_((tile.scores.gather(1, places.columns) * places.present).squeeze(1));
  });
  return sums;
}

// The same over the whole catalogue. Collective.
ShardSums SumOverRanks(dist::Communicator& communicator, const ShardSums& mine) {
  at::Tensor largest = mine.log_sum_exp.clone();
  communicator.AllReduce(largest, dist::ReduceOp::kMax);
  at::Tensor sums = at::stack({at::exp(mine.log_sum_exp - largest), mine.positive});  // [2, N]
  communicator.AllReduce(sums);
  return {largest + at::log(sums[0]), sums[1]};
}

// Gradients of the loss sum over all targets: users [N, d] from this rank's rows, and rows [S, d].
struct ShardGradients {
  at::Tensor users, rows;
};

ShardGradients GradientsOverShard(const ShardProblem& problem, const at::Tensor& log_sum_exp) {
  ShardGradients gradients{at::zeros_like(problem.users), at::zeros_like(problem.rows)};
  ForTiles(problem, [&](Tile& tile) {
    at::Tensor& by_score = tile.scores;  // becomes the softmax, less 1 at the positive
    by_score.sub_(tile.OfUsers(log_sum_exp).unsqueeze(1)).exp_();
    const PositivePlaces places = PositivesIn(tile, problem.slots);
    by_score.scatter_add_(1, places.columns, -places.present);
    tile.OfUsers(gradients.users).addmm_(by_score, tile.rows);
    gradients.rows.narrow(0, tile.first_row, tile.num_rows).addmm_(by_score.t(), tile.users);
  });
  return gradients;
}

// What the Function takes beside tensors that gradients are taken of.
struct Arguments {
  dist::Communicator* communicator;
  RowShares shares;
  at::Tensor slots;  // [N]
  CatalogueSoftmaxOptions options;
};

class CatalogueSoftmaxFunction : public torch::autograd::Function<CatalogueSoftmaxFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& users, const Variable& shard_rows,
                          const Arguments& arguments) {
    const RowShares& shares = arguments.shares;
    at::Tensor all_users = at::empty({shares.total(), users.size(1)}, users.options());
    arguments.communicator->AllGatherV(users.contiguous(), all_users, shares.counts);
    all_users.mul_(arguments.options.scale);
    const ShardProblem problem{all_users, arguments.slots, shard_rows.contiguous(),
                               arguments.options.tile_users, arguments.options.tile_rows};
    const ShardSums sums = SumOverRanks(*arguments.communicator, SumOverShard(problem));
    context->save_for_backward({problem.users, problem.rows, problem.slots, sums.log_sum_exp});
    context->saved_data["communicator"] = reinterpret_cast<int64_t>(arguments.communicator);
    context->saved_data["counts"] = shares.counts;
    context->saved_data["users_need_gradient"] = shares.need_gradient;
    context->saved_data["scale"] = arguments.options.scale;
    context->saved_data["tile_users"] = problem.tile_users;
    context->saved_data["tile_rows"] = problem.tile_rows;
    return (sums.log_sum_exp - sums.positive).narrow(0, shares.first, users.size(0)).sum();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const ShardProblem problem{saved[0], saved[2], saved[1], context->saved_data["tile_users"].toInt(),
                               context->saved_data["tile_rows"].toInt()};
    const ShardGradients of_shard = GradientsOverShard(problem, saved[3]);
    at::Tensor of_users, of_rows;
    if (context->saved_data["users_need_gradient"].toBool()) {
      auto& communicator =
          *reinterpret_cast<dist::Communicator*>(context->saved_data["communicator"].toInt());
      const std::vector<int64_t> counts = context->saved_data["counts"].toIntVector();
      of_users = SumToOwners(communicator, of_shard.users, counts) *
                 (gradients[0] * context->saved_data["scale"].toDouble());
    }
    if (context->needs_input_grad(1)) of_rows = of_shard.rows * gradients[0];
    return {of_users, of_rows, at::Tensor()};
  }
};

void CheckArguments(const dist::Communicator& communicator, const dist::OwnerMap& owners,
                    const at::Tensor& users, const at::Tensor& positives, const at::Tensor& shard_rows,
                    const CatalogueSoftmaxOptions& options) {
  PPR_BUG_IF_NOT(users.dim() == 2 && positives.dim() == 1 && positives.size(0) == users.size(0),
                 "users and positives are not [n, d] and [n]");
  PPR_BUG_IF_NOT(owners.world_size() == communicator.size(), "the owner map is of another world size");
  const int64_t rows = owners.num_rows(communicator.rank());
  PPR_BUG_IF_NOT(shard_rows.dim() == 2 && shard_rows.size(0) == rows && shard_rows.size(1) == users.size(1),
                 "the shard is not [" + std::to_string(rows) + ", " + std::to_string(users.size(1)) + "]");
  PPR_BUG_IF_NOT(options.tile_users > 0 && options.tile_rows > 0, "a tile has no users or no rows");
  PPR_BUG_IF_NOT(positives.numel() == 0 || (positives.min().item<int64_t>() >= 1 &&
                                            positives.max().item<int64_t>() <= owners.num_items()),
                 "a positive is not an item of the catalogue, 1 to " + std::to_string(owners.num_items()));
}

// Of all ranks' positives [N] int64, the slots of those that this rank keeps; -1 for the others.
at::Tensor SlotsKeptBy(int rank, const dist::OwnerMap& owners, const at::Tensor& positives) {
  at::Tensor slots = at::empty_like(positives);
  const int64_t* const ids = positives.const_data_ptr<int64_t>();
  int64_t* const to = slots.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < positives.numel(); ++i) {
    const dist::OwnerMap::Place place = owners.Locate(ids[i]);
    to[i] = place.owner == rank ? place.slot : -1;
  }
  return slots;
}

}  // namespace

at::Tensor CatalogueSoftmaxLossSum(dist::Communicator& communicator, const dist::OwnerMap& owners,
                                   const at::Tensor& users, const at::Tensor& positives,
                                   const at::Tensor& shard_rows, const CatalogueSoftmaxOptions& options) {
  CheckArguments(communicator, owners, users, positives, shard_rows, options);
  RowShares shares = ShareOfEachRank(communicator, users);
  at::Tensor all_positives = at::empty({shares.total()}, positives.options());
  communicator.AllGatherV(positives.contiguous(), all_positives, shares.counts);
  const at::Tensor own_users = RowsThatTakePart(users, shares);
  const at::Tensor slots = SlotsKeptBy(communicator.rank(), owners, all_positives);
  return CatalogueSoftmaxFunction::apply(own_users, shard_rows,
                                         Arguments{&communicator, std::move(shares), slots, options});
}

}  // namespace ppr::model
