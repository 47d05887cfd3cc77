// Generated data are datasets like those that prepare writes: the promises that training and evaluation build
// on.
#include "benchmark/generated_data.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "base/durable_file.h"
#include "data/batches.h"
#include "support/temporary_folder.h"

namespace ppr::benchmark {
namespace {

constexpr int64_t kMaxHistory = 50;

data::Dataset Make(int64_t items, int64_t targets, int64_t sequences, int64_t cases) {
  return MakeGeneratedDataset({.items = items, .targets_per_sequence = targets}, kMaxHistory, sequences,
                              cases, 3);
}

TEST(GeneratedDataset, SequencesHaveTheMeanThatWasAskedForAndFitTheEncoder) {
  for (const int64_t mean : {1, 6, 38, 50}) {
    const data::Dataset dataset = Make(20000, mean, 4000, 0);
    data::EpochPlan plan(dataset, data::UsersOf(dataset, data::UserPart::kWarm),
                         {.targets = data::TargetClicks::kAfterFirst, .max_history = kMaxHistory, .seed = 1});
    const auto& sequences = plan.Sequences(0);
    EXPECT_EQ(static_cast<int64_t>(sequences.size()), dataset.num_users()) << "a history is one sequence";
    EXPECT_GE(dataset.num_users(), 4000);
    double targets = 0;
    for (const data::TrainingSequence& sequence : sequences) {
      EXPECT_LE(sequence.num_clicks(), kMaxHistory);
      targets += static_cast<double>(sequence.num_targets());
    }
    // The mean of 4000 lengths, uniform over at most 25, strays by 7.2 / sqrt(4000) = 0.11: five times that.
    EXPECT_NEAR(targets / static_cast<double>(sequences.size()), static_cast<double>(mean), 0.6);
  }
}

TEST(GeneratedDataset, CoversLargeCatalogues) {
  const data::Dataset dataset = Make(100000, 38, 1, 0);
  EXPECT_EQ(dataset.num_items(), 100000);
  EXPECT_GE(static_cast<int64_t>(dataset.items.size()), 100000) << "as many clicks as items";
  const auto [least, most] = std::minmax_element(dataset.items.begin(), dataset.items.end());
  EXPECT_GE(*least, 1);
  EXPECT_LE(*most, 100000);
  // Uniform: of N draws from N items, 1 - 1/e are hit at least once.
  const std::set<int32_t> distinct(dataset.items.begin(), dataset.items.begin() + 100000);
  EXPECT_NEAR(static_cast<double>(distinct.size()), 63212, 1000);
}

TEST(GeneratedDataset, CasesAreClicksThatTrainingDoesNotSee) {
  const data::Dataset dataset = Make(1000, 38, 200, 100);
  ASSERT_EQ(dataset.cases.size(), 100);
  for (int64_t i = 0; i < dataset.cases.size(); ++i) {
    const int32_t user = dataset.cases.user[static_cast<size_t>(i)];
    const auto history = dataset.history(user);
    EXPECT_EQ(dataset.cases.position[static_cast<size_t>(i)],
              dataset.train_length[static_cast<size_t>(user)]);
    EXPECT_EQ(static_cast<size_t>(dataset.cases.position[static_cast<size_t>(i)]) + 1, history.size());
    const auto candidates = dataset.cases.candidates_of(i);
    const std::set<int32_t> distinct(candidates.begin(), candidates.end());
    EXPECT_EQ(distinct.size(), 99u);
    for (const int32_t own : history) EXPECT_FALSE(distinct.contains(own));
  }
}

TEST(GeneratedDataset, DependsOnTheSeedAlone) {
  EXPECT_EQ(Make(1000, 38, 100, 10).items, Make(1000, 38, 100, 10).items);
  const data::Dataset other =
      MakeGeneratedDataset({.items = 1000, .targets_per_sequence = 38}, kMaxHistory, 100, 10, 4);
  EXPECT_NE(Make(1000, 38, 100, 10).items, other.items);
}

TEST(GeneratedClicks, HaveAHeaderAndTheRowsThatWereAskedFor) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "clicks.csv";
  WriteGeneratedClicks(path, 1000, 1);
  const std::string text = ReadWholeFile(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1001);
  EXPECT_THAT(text, ::testing::StartsWith("user_id,item_id,timestamp\nu"));
}

}  // namespace
}  // namespace ppr::benchmark
