// Ragged lists as a rectangle.
#include "model/padded_index.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace ppr::model {
namespace {

TEST(PaddedIndex, ListsStandAtTheLeftAndTheRestIsNone) {
  const std::vector<int64_t> offsets{0, 2, 2, 5};
  const at::Tensor padded = PaddedIndex(offsets, at::tensor({7, 0, 3, 3, 9}, at::kLong));
  EXPECT_TRUE(padded.equal(at::tensor({7, 0, -1, -1, -1, -1, 3, 3, 9}, at::kLong).view({3, 3}))) << padded;
  EXPECT_TRUE(ListOfEach(offsets).equal(at::tensor({0, 0, 2, 2, 2}, at::kLong)));
}

TEST(PaddedIndex, EmptyListsKeepOneColumn) {
  const at::Tensor none = at::empty({0}, at::kLong);
  EXPECT_TRUE(PaddedIndex({0, 0, 0}, none).equal(at::full({2, 1}, -1, at::kLong)));
  EXPECT_EQ(PaddedIndex({0}, none).sizes().vec(), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(ListOfEach({0, 0}).numel(), 0);
}

TEST(PaddedIndex, WrongListsAreRefused) {
  const at::Tensor two = at::tensor({1, 2}, at::kLong);
  EXPECT_THROW(PaddedIndex({0, 1}, two), BugError);
  EXPECT_THROW(PaddedIndex({0, 2, 1, 2}, two), BugError);
  EXPECT_THROW(PaddedIndex({1, 2}, two), BugError);
  EXPECT_THROW(PaddedIndex({0, 2}, at::tensor({1, -1}, at::kLong)), BugError);
}

}  // namespace
}  // namespace ppr::model
