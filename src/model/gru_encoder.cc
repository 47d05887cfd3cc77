#include "model/gru_encoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "base/errors.h"
#include "model/gather_rows.h"
#include "model/hash_dropout.h"

namespace ppr::model {
namespace {

// The clicks of a packed batch step by step: the first click of every sequence, then the second of those that
// have one, and so on; within a step longer sequences come first, so that those still running are the first
// rows of the step before. "Place" is a row of this order.
struct TimeMajor {
  std::vector<int64_t> tokens;  // [E] the token at each place
  // [steps] sequences that have a click at the step, descending; one step of none in a batch without clicks,
  // so that its graph reaches every parameter too.
  std::vector<int64_t> step_sizes;
  std::vector<int64_t> first_state;  // [A] of each sequence with clicks: its last prompt token, or -1
  std::vector<int64_t> prompts;      // [P] for each prompt token: the last one of its sequence
  std::vector<int64_t> source;       // [T] of each token: its place, or E + its number among prompt tokens
};

// One sequence: its prompt tokens [first, clicks), its clicks [clicks, last).
struct Span {
  int64_t first, clicks, last;
  int64_t num_clicks() const { return last - clicks; }
};

std::vector<Span> SpansOf(const PackedLayout& layout, const int64_t* positions) {
  std::vector<Span> spans;
  for (size_t b = 0; b + 1 < layout.offsets.size(); ++b) {
    Span span{layout.offsets[b], layout.offsets[b], layout.offsets[b + 1]};
    while (span.clicks < span.last && positions[span.clicks] < 0) ++span.clicks;
    for (int64_t t = span.clicks; t < span.last; ++t) {
      PPR_BUG_IF_NOT(positions[t] >= 0, "token " + std::to_string(t) + " of sequence " + std::to_string(b) +
                                            " is a prompt behind a click; a GRU starts from its prompt");
    }
    spans.push_back(span);
  }
  return spans;
}

TimeMajor InTimeMajorOrder(const PackedLayout& layout) {
  const at::Tensor positions = layout.positions.to(at::kCPU).contiguous();
  std::vector<Span> spans = SpansOf(layout, positions.const_data_ptr<int64_t>());
  TimeMajor order;
  order.source.resize(static_cast<size_t>(layout.num_tokens()));
  for (const Span& span : spans)
    order.tokens.resize(order.tokens.size() + static_cast<size_t>(span.num_clicks()));
  auto next = static_cast<int64_t>(order.tokens.size());
  for (const Span& span : spans) {
    for (int64_t t = span.first; t < span.clicks; ++t) {
      order.prompts.push_back(span.clicks - 1);
      order.source[static_cast<size_t>(t)] = next++;
    }
  }
  std::stable_sort(spans.begin(), spans.end(),
                   [](const Span& a, const Span& b) { return a.num_clicks() > b.num_clicks(); });
  while (!spans.empty() && spans.back().num_clicks() == 0) spans.pop_back();
  for (const Span& span : spans) order.first_state.push_back(span.clicks > span.first ? span.clicks - 1 : -1);
  size_t running = spans.size(), place = 0;
  int64_t step = 0;
  do {
    order.step_sizes.push_back(static_cast<int64_t>(running));
    for (size_t s = 0; s < running; ++s, ++place) {
      order.tokens[place] = spans[s].clicks + step;
      order.source[static_cast<size_t>(order.tokens[place])] = static_cast<int64_t>(place);
    }
    ++step;
    while (running > 0 && spans[running - 1].num_clicks() == step) --running;
  } while (running > 0);
  return order;
}

// h_t of the header: input_gates [a, 3 d] = x_t W + b, hidden_gates [a, 3 d] = h_{t-1} U + c, state [a, d].
at::Tensor NextState(const at::Tensor& input_gates, const at::Tensor& hidden_gates, const at::Tensor& state) {
  const int64_t d = state.size(1);
  const at::Tensor gates = at::sigmoid(input_gates.narrow(1, 0, 2 * d) + hidden_gates.narrow(1, 0, 2 * d));
  const at::Tensor candidate = at::tanh(
      at::addcmul(input_gates.narrow(1, 2 * d, d), gates.narrow(1, 0, d), hidden_gates.narrow(1, 2 * d, d)));
  return at::addcmul(candidate, gates.narrow(1, d, d), state - candidate);
}

// All states of a layer [E, d] in time-major order. The gates are split at once: a slice for each step, as
// at::gru takes, would have a gradient of the size of the whole batch at each step.
at::Tensor RunThroughTime(const at::Tensor& input_gates, at::Tensor state, const at::Tensor& hidden_weight,
                          const at::Tensor& hidden_bias, const std::vector<int64_t>& step_sizes) {
  std::vector<at::Tensor> states;
  for (const at::Tensor& step : at::split_with_sizes(input_gates, step_sizes)) {
    if (step.size(0) < state.size(0)) state = state.narrow(0, 0, step.size(0));
    state = NextState(step, at::addmm(hidden_bias, state, hidden_weight), state);
    states.push_back(state);
  }
  return at::cat(states);
}

}  // namespace

GruEncoder::GruEncoder(const EncoderConfig& config, DenseParameters& parameters)
    : config_(config), parameters_(parameters) {
  PPR_BUG_IF_NOT(config.backbone == Backbone::kGru, "a GRU got the settings of a Transformer");
  const std::vector<std::string> problems = config.Problems();
  PPR_BUG_IF_NOT(problems.empty(), "encoder configuration was not checked: " + problems.front());
  using Init = DenseParameters::Init;
  const int64_t d = config.width;
  for (int64_t l = 0; l < config.blocks; ++l) {
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, Init init) {
      return parameters.Add("encoder.gru" + std::to_string(l) + "." + name, std::move(shape),
                            ParameterGroup::kPretrained, init);
    };
    layers_.push_back({.input_weight = add("input.weight", {d, 3 * d}, Init::kNormal),
                       .hidden_weight = add("hidden.weight", {d, 3 * d}, Init::kNormal),
                       .bias = add("bias", {3 * d}, Init::kZeros),
                       .hidden_bias = add("hidden.candidate.bias", {d}, Init::kZeros)});
  }
}

at::Tensor GruEncoder::Forward(const at::Tensor& inputs, const PackedLayout& layout,
                               DropoutState dropout) const {
  PPR_BUG_IF_NOT(
      inputs.dim() == 2 && inputs.size(0) == layout.num_tokens() && inputs.size(1) == config_.width,
      "encoder inputs are not [tokens of the layout, width]");
  const double dropout_rate = dropout.active ? config_.dropout : 0;
  const TimeMajor order = InTimeMajorOrder(layout);
  const auto index = [&](const std::vector<int64_t>& rows) {
    return at::tensor(rows, at::kLong).to(inputs.device());
  };
  const at::Tensor tokens = index(order.tokens);
  const at::Tensor token_keys = dropout_rate > 0 ? layout.token_keys.index_select(0, tokens) : at::Tensor();
  const at::Tensor first_state = GatherRows(inputs, index(order.first_state));  // [A, d]
  at::Tensor states = GatherRows(inputs, tokens);                               // [E, d]
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const at::Tensor input = HashDropout(states, token_keys, l, dropout_rate);
    const at::Tensor input_gates = at::addmm(parameters_[layer.bias], input, parameters_[layer.input_weight]);
    const at::Tensor& candidate_bias = parameters_[layer.hidden_bias];
    const at::Tensor hidden_bias =
        at::cat({at::zeros({2 * config_.width}, candidate_bias.options()), candidate_bias});
    states = RunThroughTime(input_gates, first_state, parameters_[layer.hidden_weight], hidden_bias,
                            order.step_sizes);
  }
  return GatherRows(at::cat({states, GatherRows(inputs, index(order.prompts))}), index(order.source));
}

}  // namespace ppr::model
