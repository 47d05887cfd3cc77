#include "experiment/time_left.h"

#include <gtest/gtest.h>

namespace ppr::experiment {
namespace {

TEST(TimeLeft, IsTheMeanOfTheKindForEachThatIsLeft) {
  TimeLeft time;
  EXPECT_EQ(time.Text(1), "");
  time.AddLeft(StageKind::kTune);
  time.AddLeft(StageKind::kTune);
  time.AddLeft(StageKind::kTune);
  time.AddComplete(StageKind::kTune, 20);
  time.AddComplete(StageKind::kTune, 40);
  EXPECT_EQ(time.Text(1), ", about 2 min left") << "3 of 30 s";
}

TEST(TimeLeft, IsAtLeastThatWhileAKindIsUnknown) {
  TimeLeft time;
  time.AddLeft(StageKind::kPretrain);
  EXPECT_EQ(time.Text(1), "");
  time.AddLeft(StageKind::kEvaluate);
  time.AddComplete(StageKind::kEvaluate, 5);
  EXPECT_EQ(time.Text(1), ", at least 5 s left");
}

TEST(TimeLeft, WhatRunsHasComePartOfTheWay) {
  TimeLeft time;
  time.AddComplete(StageKind::kTune, 60);
  time.AddLeft(StageKind::kTune, 45);
  time.AddLeft(StageKind::kTune, 100);  // longer than the mean: about to end
  EXPECT_EQ(time.Text(1), ", about 15 s left");
}

TEST(TimeLeft, NoStageIsSharedOut) {
  TimeLeft time;
  time.AddComplete(StageKind::kPretrain, 3600);
  time.AddLeft(StageKind::kPretrain);
  EXPECT_EQ(time.Text(8), ", about 60 min left");
  time.AddComplete(StageKind::kTune, 60);
  for (int i = 0; i < 100; ++i) time.AddLeft(StageKind::kTune);
  EXPECT_EQ(time.Text(8), ", about 60 min left") << "the tunes fit beside it";
  EXPECT_EQ(time.Text(2), ", about 80 min left") << "160 minutes on two";
}

}  // namespace
}  // namespace ppr::experiment
