// Same input, same bytes: whatever the memory budget, the number of threads, the folder or the day.
#include <gtest/gtest.h>

#include <functional>

#include "base/random.h"
#include "unit/data/prepare/prepare_case.h"

namespace ppr::data {
namespace {

using test::PrepareCase;

std::string SomeLog() {
  std::string text = "user_id,item_id,timestamp\n";
  const RandomKey key = MakeRandomKey(8, RandomSite::kTest);
  for (uint64_t row = 0; row < 12'000; ++row) {
    const RandomKey of_row = key.With(row);
    text += "user" + std::to_string(of_row.Below(300, 0)) + ",item" + std::to_string(of_row.Below(500, 1)) +
            "," + std::to_string(of_row.Below(40, 2)) + "\n";
  }
  return text;
}

std::string BytesWith(int64_t memory_bytes, int32_t num_threads,
                      const std::function<void(PrepareConfig*)>& change) {
  PrepareCase prepare(SomeLog(), "clicks.csv");
  prepare.config.num_candidates = 20;
  prepare.config.memory_bytes = memory_bytes;
  prepare.config.num_threads = num_threads;
  change(&prepare.config);
  const PrepareReport report = Prepare(prepare.config);
  EXPECT_EQ(report.rows_read, 12'000);
  EXPECT_EQ(prepare.Files(), (std::set<std::string>{"clicks.csv", "dataset.h5"}));
  return test::BytesOfFile(prepare.config.output);
}

void ExpectSameBytes(const std::function<void(PrepareConfig*)>& change) {
  const std::string expected = BytesWith(int64_t{1} << 30, 1, change);
  EXPECT_TRUE(BytesWith(int64_t{1} << 30, 1, change) == expected) << "again";
  EXPECT_TRUE(BytesWith(int64_t{1} << 30, 4, change) == expected) << "4 threads";
  EXPECT_TRUE(BytesWith(1, 1, change) == expected) << "12 runs of 1024 clicks";
  EXPECT_TRUE(BytesWith(100'000, 3, change) == expected) << "4 runs, 3 threads";
}

TEST(PrepareRepeats, Holdout) {
  ExpectSameBytes([](PrepareConfig*) {});
}

TEST(PrepareRepeats, ThresholdWithEveryFilter) {
  ExpectSameBytes([](PrepareConfig* config) {
    config->protocol = Protocol::kThreshold;
    config->cold_threshold = 38;
    config->ties = TieOrder::kHash;
    config->drop_duplicates = true;
    config->min_user_clicks = 25;
    config->min_item_clicks = 20;
  });
}

TEST(PrepareRepeats, SeedChangesTheSplit) {
  const auto seeded = [](uint64_t seed) {
    return BytesWith(int64_t{1} << 30, 2, [seed](PrepareConfig* config) { config->seed = seed; });
  };
  EXPECT_TRUE(seeded(1) != seeded(2));
}

}  // namespace
}  // namespace ppr::data
