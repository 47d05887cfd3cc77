// What a step's losses come to, where it can be told without the step: next items and profile values from the
// vectors that evaluation reads, contrastive losses where nothing is alike or unlike.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "competitor_trace.h"
#include "recommender/profile_prediction.h"
#include "support/run_ranks.h"
#include "train/sequence_objective.h"
#include "train/training_targets.h"

namespace ppr::train {
namespace {

constexpr uint64_t kSeed = 5;

struct Model {
  model::EncoderConfig encoder = SmallEncoder(/*dropout=*/0);
  std::optional<model::PromptConfig> prompt;
};

model::PromptConfig TwoPrompts() { return {.num_tokens = 2, .hidden_width = 8}; }

std::unique_ptr<recommender::Recommender> Make(dist::Communicator& communicator, const data::Dataset& dataset,
                                               const Model& model) {
  return std::make_unique<recommender::Recommender>(
      communicator, model.encoder, model.prompt,
      model.prompt ? recommender::MakeProfileInput(dataset, {}) : recommender::ProfileInput{},
      dataset.num_items(), kSeed);
}

// The first step of a fresh model on `sequences`, at any number of ranks.
StepResult FirstStep(int world_size, const Model& model, const StepRules& rules,
                     const std::vector<data::TrainingSequence>& sequences) {
  const data::Dataset dataset = TargetDomain();
  const data::NegativeSampler negatives(dataset, kSeed);
  StepResult result;
  test::RunRanks(world_size, [&](dist::Communicator& communicator) {
    at::set_num_threads(1);
    const std::unique_ptr<recommender::Recommender> recommender = Make(communicator, dataset, model);
    SequenceObjective objective(*recommender, dataset, negatives, rules);
    TrainingStep step(*recommender, objective, rules);
    const StepResult mine = step.Run(0, 1, sequences);
    if (communicator.rank() == 0) result = mine;
  });
  return result;
}

std::vector<data::TrainingSequence> Batch(const Model& model, int64_t size) {
  const data::Dataset dataset = TargetDomain();
  std::vector<data::TrainingSequence> sequences;
  test::RunRanks(1, [&](dist::Communicator& one) {
    const std::unique_ptr<recommender::Recommender> recommender = Make(one, dataset, model);
    data::EpochPlan plan(dataset, data::UsersOf(dataset, data::UserPart::kColdTrain),
                         {.targets = data::TargetClicks::kAll,
                          .max_history = recommender->packing().most_clicks(),
                          .seed = kSeed,
                          .reading = NextItemReading(*recommender)});
    const auto batch = plan.Batch(0, 0, size);
    sequences.assign(batch.begin(), batch.end());
  });
  return sequences;
}

// A target and the clicks before it that its sequence has.
struct Target {
  recommender::ClickSequence read;
  int32_t place = 0;
};

std::vector<Target> TargetsOf(const std::vector<data::TrainingSequence>& sequences) {
  std::vector<Target> targets;
  for (const data::TrainingSequence& sequence : sequences) {
    const bool each = sequence.reading == data::Reading::kEachTarget;
    if (each || sequence.first_click_target) {
      const int32_t place = each ? sequence.end : 0;
      targets.push_back({{sequence.user, sequence.begin, place}, place});
    }
    for (int32_t place = sequence.begin; !each && place < sequence.end; ++place)
      targets.push_back({{sequence.user, sequence.begin, place + 1}, place + 1});
  }
  return targets;
}

// The mean BPR loss of targets from user vectors as evaluation makes them, one at a time.
double LossOfRead(const Model& model, const std::vector<Target>& targets) {
  const c10::NoGradGuard no_gradients;
  const data::Dataset dataset = TargetDomain();
  const data::NegativeSampler sampler(dataset, kSeed);
  double sum = 0;
  test::RunRanks(1, [&](dist::Communicator& one) {
    const std::unique_ptr<recommender::Recommender> recommender = Make(one, dataset, model);
    const model::ItemTable& table = recommender->table();
    for (const Target& target : targets) {
      const at::Tensor user =
          recommender->UserVectors(dataset, std::vector<recommender::ClickSequence>{target.read})[0].to(
              at::kDouble);
      const auto score = [&](int64_t item) {
        return user.dot(table.rows[table.owners.slot(item)].to(at::kDouble)).item<double>();
      };
      const int32_t user_id = target.read.user;
      std::vector<int64_t> negatives(2);
      sampler.Draw(0, user_id, target.place, negatives);
      const double clicked = score(dataset.training_history(user_id)[static_cast<size_t>(target.place)]);
      for (const int64_t negative : negatives) sum += std::log1p(std::exp(score(negative) - clicked)) / 2;
    }
  });
  return sum / static_cast<double>(targets.size());
}

TEST(ObjectiveValues, NextItemsAreReadAsInEvaluation) {
  model::EncoderConfig bidirectional = SmallEncoder(0), from_end = SmallEncoder(0), gru = SmallEncoder(0);
  bidirectional.attention = model::AttentionSpan::kBidirectional;
  from_end.attention = model::AttentionSpan::kBidirectional;
  from_end.position_origin = model::PositionOrigin::kEnd;
  gru.backbone = model::Backbone::kGru;
  StepRules rules;
  rules.negatives = 2;
  rules.seed = kSeed;
  for (const model::EncoderConfig& encoder : {SmallEncoder(0), bidirectional, from_end, gru}) {
    for (const bool prompts : {false, true}) {
      const Model model{encoder, prompts ? std::optional(TwoPrompts()) : std::nullopt};
      const std::vector<data::TrainingSequence> sequences = Batch(model, 12);
      const std::vector<Target> targets = TargetsOf(sequences);
      const double expected = LossOfRead(model, targets);
      for (const int world_size : {1, 3}) {
        const StepResult step = FirstStep(world_size, model, rules, sequences);
        EXPECT_EQ(step.targets, static_cast<int64_t>(targets.size()));
        // Float32 vectors and sums of some fifty terms.
        EXPECT_NEAR(step.loss / expected, 1, 3e-6) << "W = " << world_size << ", prompts " << prompts;
        EXPECT_EQ(step.contrastive, 0);
      }
      Model dropping = model;
      dropping.encoder.dropout = 0.3;
      EXPECT_GT(std::abs(FirstStep(2, dropping, rules, sequences).loss / expected - 1), 1e-4)
          << "in training alone";
    }
  }
}

TEST(ObjectiveValues, ProfilesAreReadAsInEvaluation) {
  const data::Dataset dataset = TargetDomain();
  const recommender::PredictedField field = recommender::FindPredictedField(dataset, "city");
  // Histories that one sequence holds, of all clicks that there are.
  std::vector<data::TrainingSequence> sequences;
  std::vector<int32_t> users;
  for (const int32_t user :
       recommender::UsersWithValue(dataset, data::UsersOf(dataset, data::UserPart::kColdTrain), field)) {
    const auto clicks = static_cast<int32_t>(dataset.training_history(user).size());
    if (clicks > 5) continue;
    users.push_back(user);
    sequences.push_back({.user = user, .begin = 0, .end = clicks, .reading = data::Reading::kWhole});
  }
  ASSERT_GE(users.size(), 3u);
  const data::NegativeSampler negatives(dataset, kSeed);
  for (const auto attention : {model::AttentionSpan::kCausal, model::AttentionSpan::kBidirectional}) {
    for (const int world_size : {1, 3}) {
      test::RunRanks(world_size, [&](dist::Communicator& communicator) {
        const std::unique_ptr<recommender::Recommender> recommender =
            ProfilePredictor(communicator, attention, 0);
        const double read =
            recommender::PredictProfiles(*recommender, dataset, users, field).mean_log_probability;
        SequenceObjective objective(*recommender, dataset, negatives, StepRules{.seed = kSeed}, field.column);
        TrainingStep step(*recommender, objective, StepRules{.seed = kSeed});
        const StepResult result = step.Run(0, 1, sequences);
        EXPECT_NEAR(result.loss / -read, 1, 3e-6);
        EXPECT_EQ(result.targets, static_cast<int64_t>(users.size()));
      });
    }
  }
}

// At so high a temperature all similarities are 0: each of N rivals of the positive, itself included, has the
// probability 1 / N.
TEST(ObjectiveValues, ContrastiveLossesAreMeansOverTheGlobalBatch) {
  constexpr int64_t kSequences = 11;
  const Model plain, prompted{SmallEncoder(0), TwoPrompts()};
  for (const int world_size : {1, 3}) {
    StepRules rules{.seed = kSeed};
    rules.augmentation = {.weight = 0.1, .temperature = 1e9};
    // CL4SRec: a view against its other one and the 2 (B - 1) of other sequences.
    EXPECT_NEAR(FirstStep(world_size, plain, rules, Batch(plain, kSequences)).contrastive,
                std::log(2.0 * kSequences - 1), 1e-6);
    rules.augmentation.weight = 0;
    rules.contrastive = {.weight = 0.1, .temperature = 1e9, .views = ContrastiveViews::kBehaviour};
    EXPECT_NEAR(FirstStep(world_size, prompted, rules, Batch(prompted, kSequences)).contrastive,
                std::log(1.0 * kSequences), 1e-6);
    rules.contrastive.views = ContrastiveViews::kBoth;  // the sum of two losses
    EXPECT_NEAR(FirstStep(world_size, prompted, rules, Batch(prompted, kSequences)).contrastive,
                2 * std::log(1.0 * kSequences), 1e-6);
  }
}

}  // namespace
}  // namespace ppr::train
