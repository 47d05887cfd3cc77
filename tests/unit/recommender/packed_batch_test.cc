// How sequences are packed for each way of reading them: which tokens stand where, at which positions, what
// is read out at which of them and against what.
#include "recommender/packed_batch.h"
#include "model/encoder_config.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "base/errors.h"
#include "support/synthetic_dataset.h"

namespace ppr::recommender {
namespace {

using data::Reading;
using data::TrainingSequence;
using Numbers = std::vector<int64_t>;

constexpr uint64_t kSeed = 9;

Numbers NumbersOf(const at::Tensor& tensor) {
  const int64_t* const first = tensor.const_data_ptr<int64_t>();
  return {first, first + tensor.numel()};
}

// Tokens, or positions, of sequence `index` over all views.
Numbers TokensOf(const PackedBatch& batch, size_t index) {
  return {batch.token_items.begin() + batch.layout.offsets[index],
          batch.token_items.begin() + batch.layout.offsets[index + 1]};
}
Numbers PositionsOf(const PackedBatch& batch, size_t index) {
  const Numbers positions = NumbersOf(batch.layout.positions);
  return {positions.begin() + batch.layout.offsets[index],
          positions.begin() + batch.layout.offsets[index + 1]};
}

class Packing : public testing::Test {
 protected:
  PackedBatch Train(const PackingRules& rules, const TrainingPack& pack,
                    const std::vector<TrainingSequence>& sequences) const {
    return PackForTraining(dataset_, rules, pack, sequences, negatives_);
  }
  Numbers Items(int32_t user, int64_t begin, int64_t end) const {
    const auto history = dataset_.history(user);
    return {history.begin() + begin, history.begin() + end};
  }
  // Some user whose training history has at least `clicks` clicks, not the first such.
  int32_t LongUser(size_t clicks) const {
    for (int32_t user = 59; user >= 0; --user) {
      if (dataset_.training_history(user).size() >= clicks) return user;
    }
    throw BugError("no user has so many clicks");
  }

  const data::Dataset dataset_ = test::MakeSyntheticDataset();
  const data::NegativeSampler negatives_{dataset_, kSeed};
};

TEST_F(Packing, HiddenClicksAreMasksInPlaceAndTheTargets) {
  const int32_t user = LongUser(14), other = LongUser(3);
  const std::vector<TrainingSequence> sequences = {
      {.user = other, .begin = 0, .end = 3, .reading = Reading::kWhole},
      {.user = user, .begin = 4, .end = 14, .reading = Reading::kWhole}};
  const TrainingPack pack{
      .epoch = 6, .step = 40, .negatives = 2, .hides_clicks = true, .masked = {.mask_prob = 0.5}};
  for (const int64_t prompts : {0, 2}) {
    const PackedBatch batch = Train({.prompt_tokens = prompts, .seed = kSeed}, pack, sequences);
    Numbers tokens, targets, sequence_of, positives, drawn;
    for (size_t s = 0; s < sequences.size(); ++s) {
      const TrainingSequence& sequence = sequences[s];
      const std::vector<bool> hidden = HiddenClicksOf(kSeed, pack.epoch, sequence, pack.masked);
      for (int64_t k = 0; k < prompts; ++k) tokens.push_back(-1 - static_cast<int64_t>(s) * prompts - k);
      for (int32_t place = sequence.begin; place < sequence.end; ++place) {
        const int64_t item = dataset_.history(sequence.user)[static_cast<size_t>(place)];
        const bool hides = hidden[static_cast<size_t>(place - sequence.begin)];
        tokens.push_back(hides ? kMaskedToken : item);
        if (!hides) continue;
        targets.push_back(static_cast<int64_t>(tokens.size()) - 1);
        sequence_of.push_back(static_cast<int64_t>(s));
        positives.push_back(item);
        drawn.resize(drawn.size() + 2);
        negatives_.Draw(pack.epoch, sequence.user, place, std::span(drawn).last(2));
      }
    }
    EXPECT_GE(targets.size(), 2u);
    EXPECT_EQ(batch.token_items, tokens);
    EXPECT_EQ(batch.target_token, targets);
    EXPECT_EQ(batch.target_sequence, sequence_of);
    EXPECT_EQ(batch.positives, positives);
    EXPECT_EQ(batch.negatives, drawn);
    // Positions count within the window, not within the history.
    EXPECT_EQ(PositionsOf(batch, 1).back(), 9);
  }
}

TEST_F(Packing, WhichClicksAreHiddenIsAMatterOfTheEpoch) {
  const TrainingSequence sequence{.user = LongUser(14), .begin = 0, .end = 14, .reading = Reading::kWhole};
  std::set<std::vector<bool>> seen;
  for (int64_t epoch = 0; epoch < 10; ++epoch) {
    const std::vector<bool> hidden = HiddenClicksOf(kSeed, epoch, sequence, {.mask_prob = 0.5});
    EXPECT_EQ(hidden, HiddenClicksOf(kSeed, epoch, sequence, {.mask_prob = 0.5}));
    seen.insert(hidden);
  }
  EXPECT_GE(seen.size(), 8u);
  const TrainingPack first{.epoch = 2, .step = 7, .hides_clicks = true, .masked = {.mask_prob = 0.5}};
  TrainingPack later = first;
  later.step = 8;
  EXPECT_EQ(Train({.seed = kSeed}, first, {sequence}).token_items,
            Train({.seed = kSeed}, later, {sequence}).token_items);
}

TEST_F(Packing, WithoutNegativesTargetsStay) {
  const TrainingSequence sequence{.user = LongUser(6), .begin = 0, .end = 5};
  for (const NegativeSharing sharing : {NegativeSharing::kOwn, NegativeSharing::kBatch}) {
    const PackedBatch batch =
        Train({.seed = kSeed}, {.negatives = 0, .negative_sharing = sharing}, {sequence});
    EXPECT_EQ(batch.positives, Items(sequence.user, 1, 6));
    EXPECT_TRUE(batch.negatives.empty());
    EXPECT_TRUE(batch.shared_negatives.empty());
  }
}

TEST_F(Packing, AMaskStandsAtTheEndOfWhatIsReadBidirectionally) {
  const int32_t user = LongUser(14);
  for (const auto origin : {model::PositionOrigin::kStart, model::PositionOrigin::kEnd}) {
    const PackingRules rules{
        .max_history = 6, .position_origin = origin, .prompt_tokens = 1, .mask_at_end = true};
    EXPECT_EQ(rules.most_clicks(), 5);
    const std::vector<ClickSequence> sequences = {{user, 0, 14}, {user, 0, 2}, {user, 0, 0}};
    const PackedBatch batch = PackForReading(dataset_, rules, sequences);
    Numbers expected = {-1};  // the first prompt
    for (const int64_t item : Items(user, 9, 14)) expected.push_back(item);
    expected.push_back(kMaskedToken);
    EXPECT_EQ(TokensOf(batch, 0), expected) << "the newest five";
    EXPECT_EQ(PositionsOf(batch, 0), (Numbers{-1, 0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(TokensOf(batch, 2), (Numbers{-3, kMaskedToken}));
    const bool from_start = origin == model::PositionOrigin::kStart;
    EXPECT_EQ(PositionsOf(batch, 1), from_start ? (Numbers{-1, 0, 1, 2}) : (Numbers{-1, 3, 4, 5}));
    EXPECT_EQ(PositionsOf(batch, 2), from_start ? (Numbers{-1, 0}) : (Numbers{-1, 5}));
    EXPECT_EQ(batch.last_token, (Numbers{6, 10, 12})) << "read at the mask";
    EXPECT_EQ(batch.layout.token_keys.numel(), 0) << "no dropout in reading";
  }
}

TEST_F(Packing, ReadCausallyTheLastClickIsTheLastToken) {
  const int32_t user = LongUser(14);
  for (const auto origin : {model::PositionOrigin::kStart, model::PositionOrigin::kEnd}) {
    const PackedBatch batch =
        PackForReading(dataset_, {.max_history = 6, .position_origin = origin},
                       std::vector<ClickSequence>{{user, 0, 14}, {user, 0, 0}, {user, 0, 2}});
    EXPECT_EQ(TokensOf(batch, 0), Items(user, 8, 14));
    const bool from_start = origin == model::PositionOrigin::kStart;
    EXPECT_EQ(PositionsOf(batch, 2), from_start ? (Numbers{0, 1}) : (Numbers{4, 5}));
    EXPECT_EQ(batch.last_token, (Numbers{5, -1, 7})) << "a user without clicks has no token";
  }
}

TEST_F(Packing, OneTargetASequenceIsReadAtItsLastToken) {
  const int32_t user = LongUser(8);
  const std::vector<TrainingSequence> sequences = {
      {.user = user, .begin = 2, .end = 6, .reading = Reading::kEachTarget},
      {.user = user, .begin = 0, .end = 0, .first_click_target = true, .reading = Reading::kEachTarget},
      {.user = user, .begin = 2, .end = 7, .reading = Reading::kEachTarget}};
  const Numbers positives = {Items(user, 6, 7)[0], Items(user, 0, 1)[0], Items(user, 7, 8)[0]};
  struct Case {
    int64_t prompts;
    bool mask_at_end;
    Numbers last;
  };
  for (const Case& read : {Case{0, false, {3, -1, 8}}, Case{0, true, {4, 5, 11}}, Case{1, false, {4, 5, 11}},
                           Case{1, true, {5, 7, 14}}}) {
    const PackedBatch batch = Train(
        {.max_history = 8, .prompt_tokens = read.prompts, .seed = kSeed, .mask_at_end = read.mask_at_end},
        {.step = 3}, sequences);
    EXPECT_EQ(batch.last_token, read.last);
    EXPECT_EQ(batch.target_token, read.last);
    EXPECT_EQ(batch.target_sequence, (Numbers{0, 1, 2}));
    EXPECT_EQ(batch.positives, positives);
    EXPECT_EQ(batch.negatives.size(), 3u);
  }
}

TEST_F(Packing, EveryTokenOfAStepHasADropoutKeyOfItsOwn) {
  const int32_t user = LongUser(8);
  std::vector<TrainingSequence> sequences;
  for (int32_t end = 1; end < 8; ++end)
    sequences.push_back({.user = user, .begin = 0, .end = end, .reading = Reading::kEachTarget});
  const PackedBatch batch =
      Train({.max_history = 9, .prompt_tokens = 2, .seed = kSeed, .mask_at_end = true},
            {.step = 3, .augmented = {View::kMaskedProfile, View::kAugmentedClicks}}, sequences);
  const Numbers keys = NumbersOf(batch.layout.token_keys);
  EXPECT_EQ(static_cast<int64_t>(keys.size()), batch.layout.num_tokens());
  EXPECT_EQ(std::set<int64_t>(keys.begin(), keys.end()).size(), keys.size());
}

TEST_F(Packing, ViewsOfOneUserInAStepAreDrawnApart) {
  // Of each target, where a sequence has one; of windows of one history the same, which a click knows them
  // by.
  const int32_t user = LongUser(8), other = LongUser(4);
  const auto keys_of = [&](const std::vector<TrainingSequence>& sequences) {
    return Train({.seed = kSeed}, {.step = 3, .augmented = {View::kMaskedProfile}}, sequences).profile_keys;
  };
  const auto of_target = [](int32_t user_id, int32_t end) {
    return TrainingSequence{.user = user_id, .begin = 0, .end = end, .reading = Reading::kEachTarget};
  };
  const Numbers keys = keys_of({of_target(user, 5), of_target(user, 6), of_target(other, 2)});
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(std::set<int64_t>(keys.begin(), keys.end()).size(), 3u);
  EXPECT_EQ(keys_of({of_target(other, 2), of_target(user, 6)}), (Numbers{keys[2], keys[1]}));
  const Numbers windows =
      keys_of({{.user = user, .begin = 0, .end = 3}, {.user = user, .begin = 3, .end = 5}});
  EXPECT_EQ(windows[0], windows[1]);
  // Deleted clicks of eight targets that all but share their clicks: hardly ever the same of all.
  std::vector<TrainingSequence> targets;
  for (int32_t end = 3; end < 8; ++end) targets.push_back(of_target(user, end));
  int alike = 0;
  for (int64_t step = 1; step <= 10; ++step) {
    const PackedBatch batch =
        Train({.seed = kSeed},
              {.step = step, .augmented = {View::kAugmentedClicks}, .behaviour_mask_ratio = 0.5}, targets);
    std::set<bool> first_click_kept;
    for (size_t s = 0; s < targets.size(); ++s)
      first_click_kept.insert(TokensOf(batch, targets.size() + s)[0] == TokensOf(batch, s)[0]);
    alike += first_click_kept.size() == 1;
  }
  EXPECT_LE(alike, 4) << "one in sixteen";
}

TEST_F(Packing, AProfileIsReadAtTheLastToken) {
  const int32_t user = LongUser(4);
  const std::vector<TrainingSequence> sequences = {
      {.user = user, .begin = 0, .end = 3, .reading = Reading::kWhole},
      {.user = user, .begin = 0, .end = 0, .reading = Reading::kWhole},
      {.user = user, .begin = 1, .end = 3, .reading = Reading::kWhole}};
  struct Case {
    int64_t prompts;
    bool mask_at_end;
    Numbers read_out;
  };
  for (const Case& read :
       {Case{0, false, {2, -1, 4}}, Case{2, false, {4, 6, 10}}, Case{0, true, {3, 4, 7}}}) {
    const PackedBatch batch =
        Train({.prompt_tokens = read.prompts, .seed = kSeed, .mask_at_end = read.mask_at_end},
              {.negatives = 0, .hides_clicks = false}, sequences);
    EXPECT_EQ(batch.target_token, read.read_out);
    EXPECT_EQ(batch.target_sequence, (Numbers{0, 1, 2}));
    EXPECT_TRUE(batch.positives.empty());
    for (size_t token = 0; token < batch.token_items.size(); ++token) {
      const bool at_end = static_cast<int64_t>(token) == batch.last_token[0] ||
                          static_cast<int64_t>(token) == batch.last_token[1] ||
                          static_cast<int64_t>(token) == batch.last_token[2];
      EXPECT_EQ(batch.token_items[token] == kMaskedToken, read.mask_at_end && at_end) << "no click is hidden";
    }
  }
}

TEST_F(Packing, ViewsOfAPairDependOnStepUserAndViewAlone) {
  const TrainingSequence mine{.user = LongUser(14), .begin = 0, .end = 13};
  const TrainingSequence other{.user = LongUser(6), .begin = 0, .end = 5};
  const auto pack = [](int64_t step) {
    return TrainingPack{.step = step, .augmented = {View::kFirstOfPair, View::kSecondOfPair}};
  };
  std::set<Numbers> seen;
  int differ = 0;
  for (int64_t step = 1; step <= 12; ++step) {
    const PackedBatch alone = Train({.seed = kSeed}, pack(step), {mine});
    const PackedBatch beside = Train({.seed = kSeed}, pack(step), {other, mine});
    ASSERT_EQ(alone.num_views, 3);
    EXPECT_EQ(TokensOf(alone, 0), Items(mine.user, 0, 13)) << "the original is as it was";
    EXPECT_EQ(TokensOf(alone, 1), TokensOf(beside, 3));
    EXPECT_EQ(TokensOf(alone, 2), TokensOf(beside, 5));
    seen.insert({TokensOf(alone, 1), TokensOf(alone, 2)});
    differ += TokensOf(alone, 1) != TokensOf(alone, 2);
    EXPECT_EQ(alone.num_targets(), 13) << "of the original alone";
    EXPECT_LE(alone.target_token.back(), alone.last_token[0]);
    // A view begins at position 0, whatever it was cropped from.
    EXPECT_EQ(PositionsOf(alone, 1).front(), 0);
  }
  // Of 13 clicks there are 7 crops, 12 reorderings of 2 neighbours, one of which changes nothing in two, and
  // many masks: of two views drawn apart about one pair in ten is alike.
  EXPECT_GE(differ, 6);
  EXPECT_GE(seen.size(), 10u);
}

}  // namespace
}  // namespace ppr::recommender
