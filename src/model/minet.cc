#include "model/minet.h"

#include <ATen/ATen.h>

#include <limits>

#include "base/errors.h"
#include "base/text_format.h"
#include "model/gather_rows.h"
#include "model/padded_index.h"

namespace ppr::model {
namespace {

using Init = DenseParameters::Init;

const ClickLists& ClicksOf(MinetModel::Domain domain, const MinetBatch& batch) {
  return domain == MinetModel::Domain::kTarget ? batch.target_clicks : batch.source_clicks;
}

// Softmax over dimension 1 of scores [B, L, C] where `present` [B, L, 1] is true; 0 elsewhere, and 0 in all
// of a list without any.
at::Tensor SoftmaxOfPresent(const at::Tensor& scores, const at::Tensor& present) {
  // A finite stand-in for minus infinity: a list without clicks would make NaNs of infinities.
  const at::Tensor masked = scores.masked_fill(present.logical_not(), -std::numeric_limits<float>::max());
  return at::softmax(masked, 1) * present.to(scores.scalar_type());
}

}  // namespace

std::vector<std::string> MinetConfig::Problems() const {
  std::vector<std::string> problems;
  const auto require_positive = [&](const char* field, int64_t value) {
    if (value < 1)
      problems.push_back(Format("%s: found %lld, expected at least 1", field, static_cast<long long>(value)));
  };
  require_positive("attention_width", attention_width);
  require_positive("transfer_rank", transfer_rank);
  for (const int64_t width : hidden_widths) require_positive("hidden_widths", width);
  return problems;
}

MinetModel::MinetModel(const MinetConfig& config, int64_t width, const std::vector<int64_t>& vocabulary_sizes,
                       DenseParameters& parameters)
    : config_(config),
      width_(width),
      tables_("minet", vocabulary_sizes, width, parameters),
      parameters_(parameters) {
  const std::vector<std::string> problems = config.Problems();
  PPR_BUG_IF_NOT(problems.empty(), "MiNet's configuration was not checked: " + problems.front());
  const auto add = [&](const char* name, std::vector<int64_t> shape, Init init) {
    return parameters.Add(name, std::move(shape), ParameterGroup::kPretrained, init);
  };
  user_weight_ = add("minet.user.weight", {tables_.feature_width(), width}, Init::kFanIn);
  user_bias_ = add("minet.user.bias", {width}, Init::kZeros);
  transfer_left_ = add("minet.transfer.left", {width, config.transfer_rank}, Init::kFanIn);
  transfer_right_ = add("minet.transfer.right", {config.transfer_rank, width}, Init::kFanIn);
  of_target_clicks_ = AddAttention("minet.target_clicks", parameters);
  of_source_clicks_ = AddAttention("minet.source_clicks", parameters);
  of_user_ = AddAttention("minet.user_importance", parameters);
  of_target_interest_ = AddAttention("minet.target_importance", parameters);
  of_source_interest_ = AddAttention("minet.source_importance", parameters);
  // At first the user counts e times as much as the clicks of either domain, as published.
  of_user_.bias = add("minet.user_importance.bias", {1}, Init::kOnes);
  of_target_interest_.bias = add("minet.target_importance.bias", {1}, Init::kZeros);
  of_source_interest_.bias = add("minet.source_importance.bias", {1}, Init::kZeros);
  target_network_ = AddScoreLayers("minet.target_network", 4 * width, config.hidden_widths, parameters);
  source_network_ = AddScoreLayers("minet.source_network", 2 * width, config.hidden_widths, parameters);
}

MinetModel::Attention MinetModel::AddAttention(const std::string& name, DenseParameters& parameters) const {
  const auto add = [&](const char* part, std::vector<int64_t> shape) {
    return parameters.Add(name + part, std::move(shape), ParameterGroup::kPretrained, Init::kFanIn);
  };
  return {.weight = add(".weight", {4 * width_, config_.attention_width}),
          .score = add(".score", {config_.attention_width, 1})};
}

at::Tensor MinetModel::Users(const at::Tensor& codes) const {
  return at::addmm(parameters_[user_bias_], tables_.Features(codes), parameters_[user_weight_]);
}

MinetModel::Inputs MinetModel::InputsOf(const MinetBatch& batch) const {
  const int64_t users = batch.codes.size(0);
  PPR_BUG_IF_NOT(batch.targets.dim() == 2 && batch.targets.size(0) == users,
                 "targets are not [B, C] for B = " + std::to_string(users));
  return {Users(batch.codes), GatherRows(batch.rows, batch.targets)};
}

at::Tensor MinetModel::ScoreClicks(Domain domain, const at::Tensor& clicks, const at::Tensor& user_of_click,
                                   const Inputs& inputs) const {
  const bool is_target = domain == Domain::kTarget;
  const Attention& attention = is_target ? of_target_clicks_ : of_source_clicks_;
  // The first layer on [click, target, user, click * target] in four parts, each formed once for what it
  // depends on.
  const std::vector<at::Tensor> weights = parameters_[attention.weight].split(width_, 0);  // 4 of [d, h]
  const int64_t users = inputs.targets.size(0), candidates = inputs.targets.size(1);
  const auto for_each_click = [&](const at::Tensor& of_users) {  // [B, C, x] -> [T, C, x]
    const int64_t last = of_users.size(2);
    return GatherRows(of_users.reshape({users, candidates * last}), user_of_click)
        .view({clicks.size(0), candidates, last});
  };
  const at::Tensor of_targets =
      at::matmul(inputs.targets, weights[1]) + at::matmul(inputs.users, weights[2]).unsqueeze(1);
  const at::Tensor in_target_space =
      is_target ? clicks : at::mm(at::mm(clicks, parameters_[transfer_left_]), parameters_[transfer_right_]);
  const at::Tensor products = in_target_space.unsqueeze(1) * for_each_click(inputs.targets);  // [T, C, d]
  const at::Tensor hidden = at::matmul(products, weights[3]) + for_each_click(of_targets) +
                            at::mm(clicks, weights[0]).unsqueeze(1);  // [T, C, h]
  return at::matmul(at::relu(hidden), parameters_[attention.score]).squeeze(2);
}

at::Tensor MinetModel::WeighClicks(Domain domain, const at::Tensor& clicks, const ClickLists& lists,
                                   const Inputs& inputs) const {
  PPR_BUG_IF_NOT(static_cast<int64_t>(lists.offsets.size()) == inputs.users.size(0) + 1,
                 "clicks are not those of " + std::to_string(inputs.users.size(0)) + " users");
  const at::Tensor scores = ScoreClicks(domain, clicks, ListOfEach(lists.offsets), inputs);     // [T, C]
  const at::Tensor places = PaddedIndex(lists.offsets, at::arange(clicks.size(0), at::kLong));  // [B, L]
  return SoftmaxOfPresent(GatherRows(scores, places), places.ge(0).unsqueeze(2));
}

at::Tensor MinetModel::AttentionWeights(Domain domain, const MinetBatch& batch) const {
  const ClickLists& lists = ClicksOf(domain, batch);
  return WeighClicks(domain, GatherRows(batch.rows, lists.rows), lists, InputsOf(batch));
}

at::Tensor MinetModel::Interest(Domain domain, const MinetBatch& batch, const Inputs& inputs) const {
  const ClickLists& lists = ClicksOf(domain, batch);
  const at::Tensor clicks = GatherRows(batch.rows, lists.rows);                              // [T, d]
  const at::Tensor weights = WeighClicks(domain, clicks, lists, inputs);                     // [B, L, C]
  const at::Tensor padded = GatherRows(batch.rows, PaddedIndex(lists.offsets, lists.rows));  // [B, L, d]
  return at::bmm(weights.transpose(1, 2), padded);
}

at::Tensor MinetModel::Importance(const Attention& attention, const at::Tensor& z) const {
  const at::Tensor hidden = at::relu(at::matmul(z, parameters_[attention.weight]));
  return at::exp(at::matmul(hidden, parameters_[attention.score]) + parameters_[attention.bias]);
}

at::Tensor MinetModel::Apply(const ScoreLayers& network, const at::Tensor& input) const {
  at::Tensor hidden = input;
  for (size_t layer = 0; layer < network.weights.size(); ++layer) {
    if (layer > 0) hidden = at::relu(hidden);
    // A row for each user, so that the gradients of a user's items are summed first: those of a pair may
    // cancel, and then exactly (melu.cc).
    const at::Tensor biases = parameters_[network.biases[layer]].expand({hidden.size(0), 1, -1});
    hidden = at::matmul(hidden, parameters_[network.weights[layer]]) + biases;
  }
  return hidden.squeeze(2);
}

at::Tensor MinetModel::Scores(const MinetBatch& batch) const {
  const Inputs inputs = InputsOf(batch);
  const at::Tensor users = inputs.users.unsqueeze(1).expand_as(inputs.targets);  // [B, C, d]
  const at::Tensor target_interest = Interest(Domain::kTarget, batch, inputs),
                   source_interest = Interest(Domain::kSource, batch, inputs);
  const at::Tensor z = at::cat({inputs.targets, users, target_interest, source_interest}, 2);
  return Apply(target_network_, at::cat({inputs.targets, Importance(of_user_, z) * users,
                                         Importance(of_target_interest_, z) * target_interest,
                                         Importance(of_source_interest_, z) * source_interest},
                                        2));
}

at::Tensor MinetModel::SourceScores(const MinetBatch& batch, const at::Tensor& source_targets) const {
  const at::Tensor items = GatherRows(batch.rows, source_targets);  // [B, C', d]
  const at::Tensor users = Users(batch.codes);
  PPR_BUG_IF_NOT(items.dim() == 3 && items.size(0) == users.size(0),
                 "source targets are not [B, C] for B = " + std::to_string(users.size(0)));
  return Apply(source_network_, at::cat({items, users.unsqueeze(1).expand_as(items)}, 2));
}

}  // namespace ppr::model
