// Negatives: uniform over what the user has not clicked, repeatable, and exact when hardly anything is left.
#include "data/negatives.h"

#include <gtest/gtest.h>

#include <map>

#include "base/errors.h"
#include "support/synthetic_dataset.h"

namespace ppr::data {
namespace {

Dataset OneUser(int32_t items, std::vector<int32_t> clicks, int32_t train_length) {
  Dataset dataset;
  dataset.path = "one-user";
  dataset.offsets = {0, static_cast<int64_t>(clicks.size())};
  dataset.items = std::move(clicks);
  dataset.train_length = {train_length};
  dataset.user_ids = {"u"};
  dataset.item_ids.resize(static_cast<size_t>(items) + 1);
  return dataset;
}

TEST(NegativeSampler, NeverDrawsTrainingClicksAndIsUniformOverTheRest) {
  // Clicks 2, 5 (twice) and 9 are training; click 7 is kept for evaluation and must stay possible.
  const NegativeSampler sampler(OneUser(10, {2, 5, 5, 9, 7}, 4), 1);
  std::map<int64_t, int> count;
  std::vector<int64_t> drawn(7);
  constexpr int kDraws = 2000;
  for (int position = 0; position < kDraws; ++position) {
    sampler.Draw(3, 0, position, drawn);
    for (const int64_t item : drawn) ++count[item];
  }
  EXPECT_EQ(count.size(), 7u);
  for (const int64_t own : {2, 5, 9}) EXPECT_EQ(count.count(own), 0u);
  // 14000 draws over 7 items: mean 2000, standard deviation 41; six of them.
  for (const auto& [item, times] : count) EXPECT_NEAR(times, 2000, 250) << "item " << item;
}

TEST(NegativeSampler, IsAFunctionOfItsArguments) {
  const Dataset dataset = test::MakeSyntheticDataset();
  const NegativeSampler a(dataset, 1), b(dataset, 1), other_seed(dataset, 2);
  std::vector<int64_t> one(4), two(4), longer(6);
  a.Draw(2, 3, 1, one);
  b.Draw(2, 3, 1, two);
  EXPECT_EQ(one, two);
  a.Draw(2, 3, 1, longer);
  EXPECT_TRUE(std::equal(one.begin(), one.end(), longer.begin()))
      << "the first draws do not depend on how many follow";
  other_seed.Draw(2, 3, 1, two);
  EXPECT_NE(one, two);
  a.Draw(3, 3, 1, two);
  EXPECT_NE(one, two);
}

TEST(NegativeSampler, FindsTheOnlyItemLeft) {
  std::vector<int32_t> clicks;
  for (int32_t item = 1; item <= 500; ++item) {
    if (item != 321) clicks.push_back(item);
  }
  const NegativeSampler sampler(OneUser(500, clicks, 499), 1);
  std::vector<int64_t> drawn(5);
  for (int position = 0; position < 50; ++position) {
    sampler.Draw(0, 0, position, drawn);
    for (const int64_t item : drawn) EXPECT_EQ(item, 321);
  }
}

TEST(NegativeSampler, RefusesAUserWithNothingLeft) {
  try {
    const NegativeSampler sampler(OneUser(2, {1, 2}, 2), 1);
    FAIL() << "expected DataError";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("user u of one-user"), std::string::npos) << error.what();
    EXPECT_EQ(error.code(), ExitCode::kBadData);
  }
}

}  // namespace
}  // namespace ppr::data
