// Useful FLOPs against a count of every product, one by one.
#include "benchmark/useful_flops.h"

#include <gtest/gtest.h>

#include <vector>

namespace ppr::benchmark {
namespace {

model::EncoderConfig SmallEncoder() {
  model::EncoderConfig encoder;
  encoder.blocks = 2;
  encoder.width = 4;
  encoder.ffn_width = 6;
  return encoder;
}

// Multiplications of the forward pass of one sequence of n clicks and as many targets, a product at a time.
int64_t MultiplicationsByHand(int64_t n, int64_t negatives, bool output_projection) {
  constexpr int64_t kWidth = 4, kFfnWidth = 6, kBlocks = 2;
  int64_t count = 0;
  for (int64_t block = 0; block < kBlocks; ++block) {
    for (int64_t token = 0; token < n; ++token) {
      count += 3 * kWidth * kWidth;  // query, key, value
      for (int64_t seen = 0; seen <= token; ++seen) count += kWidth /*score*/ + kWidth /*weighted value*/;
      if (output_projection) count += kWidth * kWidth;
      count += kWidth * kFfnWidth + kFfnWidth * kWidth;
    }
  }
  return count + n * (1 + negatives) * kWidth;
}

TEST(UsefulFlops, AreSixForEachMultiplicationOfTheForwardPass) {
  // An addition for each multiplication, and two products backward for each forward.
  for (const bool output_projection : {false, true}) {
    model::EncoderConfig encoder = SmallEncoder();
    encoder.output_projection = output_projection;
    for (const int64_t negatives : {1, 7}) {
      const std::vector<data::TrainingSequence> batch = {{0, 0, 3}, {1, 5, 6}, {2, 0, 10}};
      int64_t expected = 0;
      for (const int64_t n : {3, 1, 10})
        expected += 6 * MultiplicationsByHand(n, negatives, output_projection);
      EXPECT_EQ(UsefulFlops(encoder, negatives, batch), static_cast<double>(expected));
    }
  }
}

TEST(UsefulFlops, OfASequenceByHand) {
  // d 4, f 6, 2 blocks, n 2, K 1: a block has 2 tokens x (4 x 16 + 2 x 24) + 3 seen x 8 = 248
  // multiplications, scores are 2 x 2 x 4 = 16: 6 x (2 x 248 + 16).
  const std::vector<data::TrainingSequence> batch = {{0, 0, 2}};
  EXPECT_EQ(UsefulFlops(SmallEncoder(), 1, batch), 3072.0);
}

TEST(UsefulFlops, OfAFirstClickAreItsScoresAlone) {
  const std::vector<data::TrainingSequence> batch = {{0, 0, 0, true}};
  EXPECT_EQ(UsefulFlops(SmallEncoder(), 3, batch), 6.0 * 4 * 4);
}

TEST(UsefulFlops, OfAnEmptyBatchAreNone) { EXPECT_EQ(UsefulFlops(SmallEncoder(), 1, {}), 0.0); }

}  // namespace
}  // namespace ppr::benchmark
