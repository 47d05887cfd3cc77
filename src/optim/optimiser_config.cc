#include "optim/optimiser_config.h"

#include "base/errors.h"
#include "optim/adam.h"

namespace ppr::optim {
namespace {

// Of optimisers whose parts are made from the betas and epsilon alone.
template <typename Dense>
std::unique_ptr<DenseOptimiser> MakeDense(const OptimiserConfig& config,
                                          const model::DenseParameters& parameters) {
  return std::make_unique<Dense>(config.adam, parameters);
}
template <typename Rows>
std::unique_ptr<RowOptimiser> MakeRows(const OptimiserConfig& config, const LearningRate& rate,
                                       int64_t num_rows, int64_t width) {
  return std::make_unique<Rows>(config.adam, rate, num_rows, width);
}

constexpr OptimiserEntry kAdam{"adam", MakeDense<DenseAdam>, MakeRows<RowAdam>};

}  // namespace

std::vector<std::string> OptimiserConfig::Problems() const { return adam.Problems(); }

const OptimiserEntry& EntryOf(OptimiserKind kind) {
  switch (kind) {
    case OptimiserKind::kAdam:
      return kAdam;
  }
  throw BugError("unknown optimiser " + std::to_string(static_cast<int>(kind)));
}

}  // namespace ppr::optim
