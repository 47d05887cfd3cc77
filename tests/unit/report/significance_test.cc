// Holm's correction and effect sizes against cases worked by hand.
#include "report/significance.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/errors.h"

namespace ppr::report {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

TEST(Holm, WorkedByHand) {
  // Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 = 0.02, 0.03, 0.06, 0.04; the last is raised to 0.06.
  EXPECT_THAT(HolmAdjusted({0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleEq(0.03), DoubleEq(0.06), DoubleEq(0.06), DoubleEq(0.02)));
}

TEST(Holm, EndsOfTheRange) {
  EXPECT_THAT(HolmAdjusted({}), IsEmpty());
  EXPECT_THAT(HolmAdjusted({0.2}), ElementsAre(0.2));
  EXPECT_THAT(HolmAdjusted({0, 1, 0.7}), ElementsAre(0, 1, 1));
  EXPECT_THAT(HolmAdjusted({0.25, 0.25, 0.25}), ElementsAre(0.75, 0.75, 0.75));
}

TEST(Holm, KeepsTheOrderOfPValuesAndNeverLowersThem) {
  std::vector<double> p_values;
  for (int i = 0; i < 50; ++i) p_values.push_back(std::fmod(0.377 * i, 1.0));
  const std::vector<double> adjusted = HolmAdjusted(p_values);
  for (size_t i = 0; i < p_values.size(); ++i) {
    EXPECT_GE(adjusted[i], p_values[i]);
    EXPECT_LE(adjusted[i], 1);
    for (size_t j = 0; j < p_values.size(); ++j) {
      if (p_values[i] > p_values[j]) continue;
      EXPECT_LE(adjusted[i], adjusted[j]);
    }
  }
}

TEST(Holm, RefusesWhatIsNoProbability) {
  for (const double wrong : {-0.1, 1.1, std::nan("")}) {
    EXPECT_THAT([&] { HolmAdjusted({0.5, wrong}); }, ThrowsMessage<DataError>(HasSubstr("test 2"))) << wrong;
  }
}

TEST(Holm, CorrectsAFamilyOfTests) {
  std::vector<PairedTest> tests = {{.model = "a", .p_value = 0.02}, {.model = "b", .p_value = 0.01}};
  CorrectFamily(tests);
  EXPECT_DOUBLE_EQ(tests[0].adjusted_p, 0.02);
  EXPECT_DOUBLE_EQ(tests[1].adjusted_p, 0.02);
  EXPECT_EQ(tests[1].p_value, 0.01);
}

TEST(CohensDz, WorkedByHand) {
  // Mean 3, squares of distances 4 + 1 + 0 + 1 + 4 = 10, sample variance 10 / 4.
  EXPECT_DOUBLE_EQ(CohensDz({1, 2, 3, 4, 5}), 3 / std::sqrt(2.5));
  EXPECT_DOUBLE_EQ(CohensDz({-1, -2, -3, -4, -5}), -3 / std::sqrt(2.5));
  EXPECT_EQ(CohensDz({-1, 1}), 0);
}

TEST(CohensDz, FollowsFromTheTTest) {
  // The same differences: t = mean / (sd / sqrt(5)).
  EXPECT_DOUBLE_EQ(CohensDzFromT(3 / std::sqrt(2.5 / 5), 5), CohensDz({1, 2, 3, 4, 5}));
}

TEST(CohensDz, EqualDifferences) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(CohensDz({0, 0, 0}), 0);
  EXPECT_EQ(CohensDz({0.1, 0.1, 0.1}), kInfinity);
  EXPECT_EQ(CohensDz({-0.1, -0.1, -0.1}), -kInfinity);
}

TEST(CohensDz, NeedsTwoPairs) {
  EXPECT_THAT([] { CohensDz({1}); }, ThrowsMessage<DataError>(HasSubstr("found 1")));
  EXPECT_THAT([] { CohensDzFromT(2, 0); }, ThrowsMessage<DataError>(HasSubstr("found 0")));
}

TEST(SignificanceStars, AreForValuesBelowTheirLevel) {
  EXPECT_EQ(SignificanceStars(0.05), "");
  EXPECT_EQ(SignificanceStars(0.0499), "*");
  EXPECT_EQ(SignificanceStars(0.01), "*");
  EXPECT_EQ(SignificanceStars(0.0099), "**");
  EXPECT_EQ(SignificanceStars(0.0009), "***");
}

}  // namespace
}  // namespace ppr::report
