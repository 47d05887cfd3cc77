#include "model/melu.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "base/errors.h"
#include "base/text_format.h"
#include "model/gather_rows.h"
#include "model/padded_index.h"
#include "model/score_loss.h"

namespace ppr::model {
namespace {

// A gradient step on a copy for each user; the result has no graph.
void StepDown(std::vector<at::Tensor>& values, const at::Tensor* gradients, double rate) {
  for (size_t i = 0; i < values.size(); ++i) values[i] = values[i].detach() - rate * gradients[i];
}

// values [B, S * C, n] + row [B, 1, n]: S sides of C items. On the way back the sides of an item are summed
// first. A hidden unit that is on for both items of a pair then gives its bias a gradient of exactly zero;
// from a sum in another order it would get rounding, which Adam turns into whole steps.
at::Tensor AddToEach(const at::Tensor& values, const at::Tensor& row, int64_t sides) {
  const int64_t items = values.size(1) / sides;
  const at::Tensor of_sides = values.view({values.size(0), sides, items, values.size(2)});
  return (of_sides + row.expand({-1, items, -1}).unsqueeze(1)).view(values.sizes());
}

}  // namespace

std::vector<std::string> MeluConfig::Problems() const {
  std::vector<std::string> problems;
  for (const int64_t width : hidden_widths) {
    if (width < 1) {
      problems.push_back(
          Format("hidden_widths: found %lld, expected at least 1", static_cast<long long>(width)));
    }
  }
  if (local_steps < 0) {
    problems.push_back(
        Format("local_steps: found %lld, expected at least 0", static_cast<long long>(local_steps)));
  }
  if (!(local_rate >= 0 && std::isfinite(local_rate))) {
    problems.push_back(Format("local_rate: found %g, expected a finite number of at least 0", local_rate));
  }
  return problems;
}

MeluModel::MeluModel(const MeluConfig& config, int64_t width, const std::vector<int64_t>& vocabulary_sizes,
                     DenseParameters& parameters)
    : config_(config),
      width_(width),
      tables_("melu", vocabulary_sizes, width, parameters),
      parameters_(parameters) {
  const std::vector<std::string> problems = config.Problems();
  PPR_BUG_IF_NOT(problems.empty(), "MeLU's configuration was not checked: " + problems.front());
  layers_ = AddScoreLayers("melu", width + tables_.feature_width(), config.hidden_widths, parameters);
}

MeluModel::Layers MeluModel::GlobalLayers() const {
  Layers layers;
  for (const int index : layers_.weights) layers.weights.push_back(parameters_[index].unsqueeze(0));
  for (const int index : layers_.biases) layers.biases.push_back(parameters_[index].view({1, 1, -1}));
  return layers;
}

MeluModel::Layers MeluModel::AdaptedLayers(const at::Tensor& profiles, const at::Tensor& rows,
                                           const ClickPairs& support) const {
  const at::AutoGradMode with_gradients(true);  // also where the caller scores without
  const int64_t users = profiles.size(0);
  const auto copy_for_each_user = [&](std::vector<at::Tensor>& values) {
    for (at::Tensor& value : values) value = value.detach().expand({users, -1, -1}).clone();
  };
  Layers layers = GlobalLayers();
  copy_for_each_user(layers.weights);
  copy_for_each_user(layers.biases);
  for (int64_t step = 0; step < config_.local_steps; ++step) {
    std::vector<at::Tensor> variables = layers.weights;
    variables.insert(variables.end(), layers.biases.begin(), layers.biases.end());
    for (at::Tensor& variable : variables) variable.set_requires_grad(true);
    const PairScores scores = ScorePairs(layers, rows.detach(), profiles.detach(), support);
    // The mean over a user's pairs; users do not share layers, so one sum gives each its own gradient.
    const at::Tensor weights = scores.present / scores.present.sum(1, /*keepdim=*/true).clamp_min(1);
    const at::Tensor loss = (PairLosses(config_.loss, scores.clicked, scores.negatives) * weights).sum();
    const std::vector<at::Tensor> gradients = torch::autograd::grad({loss}, variables);
    StepDown(layers.weights, gradients.data(), config_.local_rate);
    StepDown(layers.biases, gradients.data() + layers.weights.size(), config_.local_rate);
  }
  return layers;
}

at::Tensor MeluModel::Decide(const Layers& layers, const at::Tensor& items, const at::Tensor& profiles,
                             int64_t sides) const {
  const at::Tensor& first = layers.weights[0];  // the product with a user's profile is the same for all items
  const at::Tensor of_profile = at::bmm(profiles.unsqueeze(1), first.narrow(1, width_, profiles.size(1)));
  at::Tensor hidden =
      AddToEach(at::bmm(items, first.narrow(1, 0, width_)), of_profile + layers.biases[0], sides);
  for (size_t layer = 1; layer < layers.weights.size(); ++layer)
    hidden = AddToEach(at::bmm(at::relu(hidden), layers.weights[layer]), layers.biases[layer], sides);
  return hidden.squeeze(2);
}

MeluModel::PairScores MeluModel::ScorePairs(const Layers& layers, const at::Tensor& rows,
                                            const at::Tensor& profiles, const ClickPairs& pairs) const {
  PPR_BUG_IF_NOT(static_cast<int64_t>(pairs.offsets.size()) == profiles.size(0) + 1,
                 "pairs are not those of " + std::to_string(profiles.size(0)) + " users");
  const at::Tensor clicked = PaddedIndex(pairs.offsets, pairs.clicked),
                   negatives = PaddedIndex(pairs.offsets, pairs.negatives);
  const at::Tensor items = GatherRows(rows, at::cat({clicked, negatives}, 1));  // [B, 2P, d]
  const at::Tensor scores = Decide(layers, items, profiles, 2);
  const int64_t columns = clicked.size(1);
  return {scores.narrow(1, 0, columns), scores.narrow(1, columns, columns),
          clicked.ge(0).to(scores.scalar_type())};
}

at::Tensor MeluModel::QueryLossSum(const MeluBatch& batch) const {
  const at::Tensor profiles = tables_.Features(batch.codes);
  Layers layers = AdaptedLayers(profiles, batch.rows, batch.support);
  // What was learned locally is a constant on top of the global layers, which therefore get the gradient at
  // the adapted ones.
  const Layers global = GlobalLayers();
  for (size_t layer = 0; layer < layers.weights.size(); ++layer) {
    const auto on_top_of = [](const at::Tensor& start, const at::Tensor& adapted) {
      return start + (adapted - start).detach();
    };
    layers.weights[layer] = on_top_of(global.weights[layer], layers.weights[layer]);
    layers.biases[layer] = on_top_of(global.biases[layer], layers.biases[layer]);
  }
  const PairScores scores = ScorePairs(layers, batch.rows, profiles, batch.query);
  return (PairLosses(config_.loss, scores.clicked, scores.negatives) * scores.present).sum();
}

at::Tensor MeluModel::Scores(const MeluBatch& batch, const at::Tensor& candidates) const {
  const at::NoGradGuard no_gradients;
  const at::Tensor profiles = tables_.Features(batch.codes);
  PPR_BUG_IF_NOT(candidates.dim() == 2 && candidates.size(0) == profiles.size(0),
                 "candidates are not [B, C] for B = " + std::to_string(profiles.size(0)));
  const Layers layers = AdaptedLayers(profiles, batch.rows, batch.support);
  return Decide(layers, GatherRows(batch.rows, candidates), profiles, 1);
}

}  // namespace ppr::model
