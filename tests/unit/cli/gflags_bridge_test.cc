// DEFINE_* lines become declarations, and values in force reach FLAGS_*.
#include "cli/gflags_bridge.h"

#include <gflags/gflags.h>
#include <gmock/gmock.h>

#include "base/errors.h"

DEFINE_bool(bridge_bool, true, "A boolean");
DEFINE_int32(bridge_int32, 3, "An integer");
DEFINE_uint32(bridge_uint32, 4, "An integer");
DEFINE_int64(bridge_int64, -5, "An integer");
DEFINE_uint64(bridge_uint64, 6, "An integer");
DEFINE_double(bridge_double, 0.2, "A number");
DEFINE_string(bridge_string, "abc", "A text");

namespace ppr::cli {
namespace {

const std::vector<FlagUse> kAll = {{"bridge_bool"},   {"bridge_int32"},  {"bridge_uint32"}, {"bridge_int64"},
                                   {"bridge_uint64"}, {"bridge_double"}, {"bridge_string"}};

TEST(GflagsBridge, DeclaresTypeDefaultAndMeaning) {
  const FlagTopic topic = TopicFromGflags("All", kAll);
  ASSERT_EQ(topic.flags.size(), 7u);
  EXPECT_EQ(topic.flags[0].type, FlagType::kBool);
  EXPECT_EQ(topic.flags[0].default_value, "true");
  EXPECT_EQ(topic.flags[3].default_value, "-5");
  EXPECT_EQ(topic.flags[5].type, FlagType::kDouble);
  EXPECT_EQ(topic.flags[5].default_value, "0.2") << "the shortest text, not 0.20000000000000001";
  EXPECT_EQ(topic.flags[6].description, "A text");
}

TEST(GflagsBridge, ACommandMayHaveItsOwnDefault) {
  gflags::FlagSaver restore;
  FlagSet flags("tune", {TopicFromGflags("Own", {{"bridge_double", "-1"}})}, {});
  StoreInGflags(flags);
  EXPECT_EQ(FLAGS_bridge_double, -1);
}

TEST(GflagsBridge, StoresEveryTypeAtItsLimits) {
  gflags::FlagSaver restore;
  FlagSet flags("all", {TopicFromGflags("All", kAll)}, {});
  flags.Parse({"--nobridge_bool", "--bridge_int32=-2147483648", "--bridge_uint32=4294967295",
               "--bridge_int64=-9223372036854775808", "--bridge_uint64=18446744073709551615",
               "--bridge_double=1e-5", "--bridge_string="});
  ASSERT_TRUE(flags.problems().empty());
  StoreInGflags(flags);
  EXPECT_FALSE(FLAGS_bridge_bool);
  EXPECT_EQ(FLAGS_bridge_int32, INT32_MIN);
  EXPECT_EQ(FLAGS_bridge_uint32, UINT32_MAX);
  EXPECT_EQ(FLAGS_bridge_int64, INT64_MIN);
  EXPECT_EQ(FLAGS_bridge_uint64, UINT64_MAX);
  EXPECT_EQ(FLAGS_bridge_double, 1e-5);
  EXPECT_EQ(FLAGS_bridge_string, "");
}

TEST(GflagsBridge, AFlagWithoutADefinitionIsOurBug) {
  EXPECT_THROW(TopicFromGflags("None", {{"no_such_flag"}}), BugError);
}

}  // namespace
}  // namespace ppr::cli
