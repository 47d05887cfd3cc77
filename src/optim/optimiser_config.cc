#include "optim/optimiser_config.h"

#include "base/errors.h"
#include "base/findings.h"
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

const settings::NameTable<OptimiserKind>& NamesOf(OptimiserKind) {
  static const settings::NameTable<OptimiserKind> names = {{kAdam.name, OptimiserKind::kAdam},
                                                           {kAdamW.name, OptimiserKind::kAdamW}};
  return names;
}

void Describe(settings::Settings& settings, OptimiserConfig& config) {
  Describe(settings, config.adam);
  const auto is_not_adam = [&config] { return config.kind != OptimiserKind::kAdam; };
  settings.Add(&config.kind,
               {.flag = "optimizer",
                .help = "adam, or adamw (decoupled weight decay); both exact on rows that no batch touched",
                .newer = true,
                .stored_when = is_not_adam});
  settings.Add(
      &config.weight_decay,
      {.flag = "weight_decay",
       .help = "adamw: share of item rows and matrices, times the learning rate, taken at every step; "
               "biases and LayerNorm do not decay",
       .newer = true,
       .stored_when = is_not_adam,
       .limits = settings::AnyShare()});
}

std::vector<std::string> OptimiserConfig::Problems() const {
  Findings findings;
  findings.Append(settings::LimitProblems(*this));
  findings.Append(adam.Problems());
  findings.Expect(kind == OptimiserKind::kAdamW || !(weight_decay > 0), "weight_decay",
                  "0 unless --optimizer=adamw", Format("%g", weight_decay));
  return findings.Take();
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
