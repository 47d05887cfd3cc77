// Buckets of whole numbers, below zero too, and what is no whole number.
#include "data/prepare/value_bucket.h"

#include <gmock/gmock.h>

#include "base/errors.h"
#include "data/input/cell_values.h"

namespace ppr::data {
namespace {

using ::testing::HasSubstr;

TEST(BucketOf, GroupsWholeNumbers) {
  const std::string path = "p.csv", column = "age";
  const CellPlace place{path, column, 4};
  EXPECT_EQ(BucketOf("0", 10, place), "0-9");
  EXPECT_EQ(BucketOf("9", 10, place), "0-9");
  EXPECT_EQ(BucketOf("10", 10, place), "10-19");
  EXPECT_EQ(BucketOf("24.0", 10, place), "20-29");
  EXPECT_EQ(BucketOf("-1", 10, place), "-10--1");
  EXPECT_EQ(BucketOf("-10", 10, place), "-10--1");
  EXPECT_EQ(BucketOf("-11", 10, place), "-20--11");
  EXPECT_EQ(BucketOf("7", 1, place), "7");
  for (const char* bad : {"old", "2.5", "1e300", "nan", ""}) {
    try {
      BucketOf(bad, 10, place);
      ADD_FAILURE() << bad;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("p.csv: row 4, column age")) << bad;
    }
  }
}

}  // namespace
}  // namespace ppr::data
