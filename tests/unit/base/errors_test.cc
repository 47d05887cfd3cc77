// Errors and the exit codes that batch scripts rely on.
#include "base/errors.h"

#include <gmock/gmock.h>

#include <cerrno>

namespace ppr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Errors, ExitCodesAreThoseOfTheDocumentation) {
  EXPECT_EQ(static_cast<int>(ExitCode::kDone), 0);
  EXPECT_EQ(static_cast<int>(ConfigError("").code()), 64);
  EXPECT_EQ(static_cast<int>(DataError("").code()), 65);
  EXPECT_EQ(static_cast<int>(BugError("").code()), 70);
  EXPECT_EQ(static_cast<int>(CommunicationError("").code()), 70);
  EXPECT_EQ(static_cast<int>(StorageError("").code()), 74);
  EXPECT_EQ(static_cast<int>(StoppedOnRequest("").code()), 85);
  EXPECT_EQ(static_cast<int>(DoNotRestartError("").code()), 93);
}

TEST(Errors, StorageErrorsCarryTheReasonOfTheSystem) {
  errno = ENOSPC;
  EXPECT_STREQ(StorageErrorFromErrno("cannot write", "run/x.h5").what(),
               "cannot write run/x.h5: No space left on device");
}

TEST(Errors, ABrokenInvariantNamesExpressionPlaceAndDetail) {
  try {
    PPR_BUG_IF_NOT(1 + 1 == 3, "counted wrong");
    FAIL() << "expected a BugError";
  } catch (const BugError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("counted wrong"), HasSubstr("1 + 1 == 3"), HasSubstr("errors_test.cc:")));
  }
}

TEST(Errors, TheDetailOfAnInvariantThatHoldsIsNotEvaluated) {
  int evaluations = 0;
  PPR_BUG_IF_NOT(true, std::to_string(++evaluations));
  EXPECT_EQ(evaluations, 0);
}

}  // namespace
}  // namespace ppr
