// The name a user probably meant, or none when nothing is near.
#include "base/nearest_name.h"

#include <gtest/gtest.h>

namespace ppr {
namespace {

const std::vector<std::string> kNames = {"learning_rate", "batch_size", "width", "heads"};

TEST(NearestName, FindsTypingErrors) {
  EXPECT_EQ(NearestName("learnign_rate", kNames), "learning_rate");
  EXPECT_EQ(NearestName("batchsize", kNames), "batch_size");
  EXPECT_EQ(NearestName("widht", kNames), "width");
  EXPECT_EQ(NearestName("width", kNames), "width");
}

TEST(NearestName, AllowsAThirdOfTheLengthAndTwoAtLeast) {
  EXPECT_EQ(NearestName("hd", {"heads"}), "");        // 3 edits
  EXPECT_EQ(NearestName("hds", {"heads"}), "heads");  // 2 edits
  EXPECT_EQ(NearestName("lrng_rte", {"learning_rate"}), "");
  EXPECT_EQ(NearestName("learnin_rat", {"learning_rate"}), "learning_rate");
}

TEST(NearestName, NothingNearIsNothing) {
  EXPECT_EQ(NearestName("completely_else", kNames), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

TEST(DidYouMean, IsAHintOrNothing) {
  EXPECT_EQ(DidYouMean("widht", kNames), ", did you mean width?");
  EXPECT_EQ(DidYouMean("completely_else", kNames), "");
}

}  // namespace
}  // namespace ppr
