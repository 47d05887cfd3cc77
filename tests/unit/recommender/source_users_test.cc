// Users of two domains are the same where their ids are.
#include "recommender/source_users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace ppr::recommender {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

data::Dataset Users(const std::string& path, std::vector<std::string> ids) {
  data::Dataset dataset;
  dataset.path = path;
  dataset.user_ids = std::move(ids);
  return dataset;
}

TEST(SourceUsers, AreMatchedByIdWhateverTheirOrder) {
  const data::Dataset source = Users("grocery.h5", {"c", "a", "x", "B"});
  EXPECT_THAT(SourceUsers(source, Users("drug.h5", {"a", "b", "c", "d"})), ElementsAre(1, -1, 0, -1));
  EXPECT_THAT(SourceUsers(source, Users("drug.h5", {"B", "B "})), ElementsAre(3, -1)) << "to the letter";
}

TEST(SourceUsers, WithNoneInCommonThereIsNothingToTransfer) {
  try {
    SourceUsers(Users("grocery.h5", {"a", "b"}), Users("drug.h5", {"c"}));
    FAIL() << "two datasets without a common user were matched";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("grocery.h5: expected users of drug.h5"),
                                    HasSubstr("none with the same id"), HasSubstr("--shared_with")));
  }
}

}  // namespace
}  // namespace ppr::recommender
