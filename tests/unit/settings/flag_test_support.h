// A small command with one flag of each type, and a scratch folder for flag files.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/durable_file.h"
#include "settings/flag_set.h"

namespace ppr::settings {

inline FlagSet SmallCommand() {
  return FlagSet(
      "pretrain",
      {{"Size",
        {{"width", FlagType::kInt64, "64", "Hidden width"}, {"ranks", FlagType::kInt32, "0", "Ranks"}},
        true},
       {"Rates",
        {{"dropout", FlagType::kDouble, "0.2", "Dropout rate"},
         {"resume", FlagType::kBool, "false", "Go on"},
         {"normalise", FlagType::kBool, "true", "Normalise"}},
        true},
       {"Rest",
        {{"seed", FlagType::kUint64, "1", "Seed"},
         {"limit", FlagType::kUint32, "9", "Limit"},
         {"dataset", FlagType::kString, "", "File"}},
        true},
       {"Launch", {{"threads", FlagType::kInt32, "0", "Threads"}}, false}},
      {{"checkpoint", "tune, evaluate"}});
}

inline FlagSet Parsed(const std::vector<std::string>& arguments) {
  FlagSet flags = SmallCommand();
  flags.Parse(arguments);
  return flags;
}

// The one problem of `flags`; fails the test when there is another number of them.
inline std::string OnlyProblem(const FlagSet& flags) {
  EXPECT_EQ(flags.problems().size(), 1u);
  return flags.problems().empty() ? "" : flags.problems().front();
}

// A folder that lives as long as one test.
class FlagFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              (std::string("ppr_flags_") + test->name() + "_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& contents) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    WriteFileDurably(path.string(), contents);
    return path.string();
  }

  std::filesystem::path folder_;
};

}  // namespace ppr::settings
