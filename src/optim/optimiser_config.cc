#include "optim/optimiser_config.h"

#include "base/errors.h"
#include "base/text_format.h"
#include "optim/adam.h"
#include "optim/adamw.h"

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

constexpr OptimiserEntry kAdamW{
    "adamw",
    [](const OptimiserConfig& config,
       const model::DenseParameters& parameters) -> std::unique_ptr<DenseOptimiser> {
      return std::make_unique<DenseAdamW>(config.adam, config.weight_decay, parameters);
    },
    [](const OptimiserConfig& config, const LearningRate& rate, int64_t num_rows,
       int64_t width) -> std::unique_ptr<RowOptimiser> {
      return std::make_unique<RowAdamW>(config.adam, config.weight_decay, rate, num_rows, width);
    }};

}  // namespace

std::vector<std::string> OptimiserConfig::Problems() const {
  std::vector<std::string> problems = adam.Problems();
  if (!(weight_decay >= 0 && weight_decay <= 1))
    problems.push_back(Format("weight_decay: expected a number in [0, 1], found %g", weight_decay));
  if (kind != OptimiserKind::kAdamW && weight_decay > 0)
    problems.push_back(
        Format("weight_decay: expected 0 unless the optimizer is adamw, found %g", weight_decay));
  return problems;
}

const OptimiserEntry& EntryOf(OptimiserKind kind) {
  switch (kind) {
    case OptimiserKind::kAdam:
      return kAdam;
    case OptimiserKind::kAdamW:
      return kAdamW;
  }
  throw BugError("unknown optimiser " + std::to_string(static_cast<int>(kind)));
}

}  // namespace ppr::optim
