// What every trainable model of a stage has on one rank, whatever it computes: dense parameters that all
// ranks hold whole, its shard of the item table, and the exchange that brings other ranks' rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "checkpoint/state.h"
#include "dist/communicator.h"
#include "dist/row_exchange.h"
#include "model/dense_parameters.h"
#include "model/item_table.h"

namespace ppr::recommender {

class ShardedModel {
 public:
  // Initial values depend on (seed, name, id) alone. `communicator` must outlive this. A derived model
  // declares its dense parameters and then allocates them.
  ShardedModel(dist::Communicator& communicator, int64_t num_items, int64_t width, double init_std,
               uint64_t seed)
      : communicator_(communicator),
        parameters_(seed, init_std, at::TensorOptions().dtype(at::kFloat)),
        table_(num_items, width, communicator.rank(), communicator.size(), seed, init_std),
        exchange_(communicator, table_.owners) {}
  virtual ~ShardedModel() = default;
  ShardedModel(const ShardedModel&) = delete;
  ShardedModel& operator=(const ShardedModel&) = delete;

  // Appends what the model consists of: a tensor a dense parameter, by its name, and the item rows.
  virtual void AppendState(checkpoint::TrainingState* state) const {
    for (const model::DenseParameter& parameter : parameters_.parameters()) {
      state->push_back(
          {checkpoint::DenseTensor(parameter.name), model::PartOf(parameters_.values(), parameter)});
    }
    state->push_back({checkpoint::kItemRows, table_.rows, checkpoint::Cut::kByRows});
  }

  model::DenseParameters& parameters() { return parameters_; }
  model::ItemTable& table() { return table_; }
  dist::RowExchange& exchange() { return exchange_; }
  dist::Communicator& communicator() { return communicator_; }
  int64_t width() const { return table_.rows.size(1); }

 protected:
  dist::Communicator& communicator_;
  model::DenseParameters parameters_;
  model::ItemTable table_;
  dist::RowExchange exchange_;
};

}  // namespace ppr::recommender
