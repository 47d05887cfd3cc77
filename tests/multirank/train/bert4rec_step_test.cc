// One step of BERT4Rec against a model that is written out whole, in double precision: hidden clicks are
// predicted from all others by a softmax over the catalogue, and every row of the table moves.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "competitor_trace.h"
#include "model/sequence_encoder.h"
#include "train/sequence_objective.h"

namespace ppr::train {
namespace {

constexpr uint64_t kSeed = 5;
constexpr int64_t kBatch = 12;

model::EncoderConfig Bidirectional() {
  model::EncoderConfig encoder = SmallEncoder(/*dropout=*/0);
  encoder.activation = model::Activation::kGelu;
  encoder.attention = model::AttentionSpan::kBidirectional;
  return encoder;
}

StepRules Rules() {
  StepRules rules;
  rules.loss = model::NextItemLoss::kSoftmax;
  // An epsilon of the size of the gradients keeps Adam's first step a smooth function of them.
  rules.optimiser.adam = {.beta1 = 0.9, .beta2 = 0.98, .epsilon = 0.01};
  rules.pretrained_rate = rules.new_rate = {.base = 0.1, .warmup_steps = 0};
  rules.masked = {.mask_prob = 0.4, .last_share = 0.2};
  rules.seed = kSeed;
  return rules;
}

data::EpochPlan MakePlan(const data::Dataset& dataset) {
  return {dataset, data::UsersOf(dataset, data::UserPart::kWarm),
          data::PlanRules{.max_history = 6, .seed = kSeed, .reading = data::Reading::kWhole}};
}

// A step, or none at all, of a fresh model.
Trace TrainFor(dist::Communicator& communicator, int64_t steps) {
  const data::Dataset dataset = TargetDomain();
  recommender::Recommender recommender(communicator, Bidirectional(), std::nullopt, {}, dataset.num_items(),
                                       kSeed);
  const data::NegativeSampler negatives(dataset, kSeed);
  SequenceObjective objective(recommender, dataset, negatives, Rules());
  TrainingStep step(recommender, objective, Rules());
  data::EpochPlan plan = MakePlan(dataset);
  return RunSteps(recommender, step, plan, kBatch, steps, /*announces=*/false);
}

// The first batch written out: tokens are rows of [table; mask].
struct WrittenOut {
  std::vector<int64_t> tokens, positions, hidden_places, hidden_items;
  model::PackedLayout layout{.offsets = {0}, .positions = {}, .token_keys = {}};
};

WrittenOut WriteOut(const data::Dataset& dataset) {
  WrittenOut batch;
  data::EpochPlan plan = MakePlan(dataset);
  for (const data::TrainingSequence& sequence : plan.Batch(0, 0, kBatch)) {
    const std::vector<bool> hidden = recommender::HiddenClicksOf(kSeed, 0, sequence, Rules().masked);
    for (int32_t place = sequence.begin; place < sequence.end; ++place) {
      const int64_t item = dataset.history(sequence.user)[static_cast<size_t>(place)];
      const bool hides = hidden[static_cast<size_t>(place - sequence.begin)];
      if (hides) {
        batch.hidden_places.push_back(static_cast<int64_t>(batch.tokens.size()));
        batch.hidden_items.push_back(item - 1);
      }
      batch.tokens.push_back(hides ? dataset.num_items() : item - 1);
      batch.positions.push_back(place - sequence.begin);
    }
    batch.layout.offsets.push_back(static_cast<int64_t>(batch.tokens.size()));
  }
  batch.layout.positions = at::tensor(batch.positions, at::kLong);
  return batch;
}

// Loss and gradients at the values of `start`, all float64.
struct Gradients {
  double loss = 0;
  at::Tensor dense, rows;  // [P], [V, d]
};

Gradients DenseGradients(const Trace& start) {
  const WrittenOut batch = WriteOut(TargetDomain());
  model::DenseParameters parameters(kSeed, 0.5, at::TensorOptions().dtype(at::kDouble));
  const auto encoder = model::MakeSequenceEncoder(Bidirectional(), parameters);
  parameters.Allocate();
  parameters.values().copy_(start.dense);
  const at::Tensor table = start.rows.to(at::kDouble).requires_grad_(true);
  const at::Tensor sources = at::cat({table, encoder->mask_token().unsqueeze(0)});
  const at::Tensor states = encoder->Forward(sources.index_select(0, at::tensor(batch.tokens, at::kLong)),
                                             batch.layout, {.active = false});
  const at::Tensor scores =
      states.index_select(0, at::tensor(batch.hidden_places, at::kLong)).matmul(table.t());
  const at::Tensor of_hidden =
      scores.gather(1, at::tensor(batch.hidden_items, at::kLong).unsqueeze(1)).squeeze(1);
  const at::Tensor loss = (scores.logsumexp(1) - of_hidden).mean();
  loss.backward();
  return {loss.item<double>(), parameters.gradients().clone(), table.grad()};
}

// Adam's first step: m / (1 - b1) = g and v / (1 - b2) = g^2.
at::Tensor AfterFirstStep(const at::Tensor& before, const at::Tensor& gradient) {
  return before.to(at::kDouble) - 0.1 * gradient / (gradient.abs() + 0.01);
}

TEST(Bert4recStep, IsThatOfTheWholeModelInDoublePrecision) {
  const Trace start = TraceOnThreads(1, [](dist::Communicator& one) { return TrainFor(one, 0); });
  const Gradients gradients = DenseGradients(start);
  EXPECT_GT(gradients.rows.abs().amax(1).min().item<double>(), 1e-4) << "of every row of the catalogue";
  const at::Tensor dense = AfterFirstStep(start.dense, gradients.dense);
  const at::Tensor rows = AfterFirstStep(start.rows, gradients.rows);
  for (const int world_size : {1, 2, 3, 4}) {
    const Trace after =
        TraceOnThreads(world_size, [](dist::Communicator& ranks) { return TrainFor(ranks, 1); });
    // Float sums of some hundred terms: 1e-6 relative. Gradients of 0.1 and less are then off by 1e-7 or so,
    // which Adam multiplies by up to 0.1 / 0.01; values of order 1 are stored to 6e-8.
    EXPECT_NEAR(after.losses[0] / gradients.loss, 1, 1e-6) << "W = " << world_size;
    EXPECT_LT((after.dense - dense).abs().max().item<double>(), 1e-5) << "W = " << world_size;
    EXPECT_LT((after.rows - rows).abs().max().item<double>(), 1e-5) << "W = " << world_size;
    EXPECT_GT((after.rows - start.rows).abs().amax(1).min().item<double>(), 1e-4) << "every row moves";
  }
}

}  // namespace
}  // namespace ppr::train
