// The progress line on a terminal and in a pipe, with a clock and a width of the test's own.
#include "train/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace ppr::train {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Screen {
  std::string text;
  double seconds = 0;
  int columns = 0;

  ProgressOutput output() {
    return {.write = [this](std::string_view more) { text += more; },
            .now_seconds = [this] { return seconds; },
            .columns = [this] { return columns; }};
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }
  // What a person sees of the line that the cursor is on.
  std::string bar() const {
    const std::string last = text.substr(text.rfind('\r') + 1);
    return last.substr(0, last.find("\x1b[K"));
  }
};

TEST(ProgressPlain, OneLineSaysItAll) {
  Screen pipe;
  ProgressLine line(ProgressMode::kAuto, "pretrain", 8000, 30, pipe.output());
  pipe.seconds = 10;
  line.Update(1100, 3, 0.5, 1'830'000);
  pipe.seconds = 40;
  line.Update(1500, 3, 0.48214, 30 * 183'000);  // 400 steps in 30 s: 6500 more take 487.5 s
  EXPECT_THAT(
      pipe.lines(),
      ElementsAre("pretrain  step 1100/8000 (14 %)  epoch 3  loss 0.5000  183k targets/s",
                  "pretrain  step 1500/8000 (19 %)  epoch 3  loss 0.4821  183k targets/s  ETA 8m08s"));
  EXPECT_THAT(pipe.text, Not(HasSubstr("\r")));
  EXPECT_THAT(pipe.text, Not(HasSubstr("\x1b")));
}

TEST(ProgressPlain, KeepsBatchLogsShort) {
  // 2000 steps in 2000 s: 5 % are 100 steps, so a line every 100 s although the interval is 30 s.
  Screen slow;
  {
    ProgressLine line(ProgressMode::kPlain, "tune", 2000, 30, slow.output());
    for (int64_t step = 1; step <= 2000; ++step) {
      slow.seconds += 1;
      line.Update(step, 1, 1.0, 10);
    }
    line.Finish();
  }
  EXPECT_EQ(slow.lines().size(), 21u);  // steps 1, 101, ..., 1901 and the last
  EXPECT_THAT(slow.lines().front(), HasSubstr("step 1/2000"));
  EXPECT_THAT(slow.lines()[1], HasSubstr("step 101/2000"));
  EXPECT_THAT(slow.lines().back(), HasSubstr("step 2000/2000 (100 %)"));

  // 2000 steps in 20 s: under one interval, so the first and the last.
  Screen fast;
  ProgressLine line(ProgressMode::kPlain, "tune", 2000, 30, fast.output());
  for (int64_t step = 1; step <= 2000; ++step) {
    fast.seconds += 0.01;
    line.Update(step, 1, 1.0, 10);
  }
  line.Finish();
  line.Finish();
  EXPECT_EQ(fast.lines().size(), 2u);
}

TEST(ProgressPlain, UnknownTotal) {
  Screen pipe;
  ProgressLine line(ProgressMode::kPlain, "pretrain", 0, 30, pipe.output());
  for (int64_t step = 1; step <= 61; ++step) {
    pipe.seconds += 1;
    line.Update(step, 1, std::nan(""), 10);
  }
  EXPECT_EQ(pipe.lines().size(), 3u);
  EXPECT_EQ(pipe.lines().back(), "pretrain  step 61  epoch 1  loss nan  10 targets/s");
}

TEST(ProgressPlain, NotesAreLines) {
  Screen pipe;
  ProgressLine line(ProgressMode::kPlain, "pretrain", 100, 30, pipe.output());
  line.Note("ndcg@10 0.3210");
  line.Update(1, 1, 0.5, 10);
  line.Note("ndcg@10 0.3211");
  EXPECT_THAT(pipe.lines(),
              ElementsAre("ndcg@10 0.3210", StartsWith("pretrain  step 1/100"), "ndcg@10 0.3211"));
}

TEST(ProgressEta, FollowsAChangeOfSpeed) {
  Screen pipe;
  ProgressLine line(ProgressMode::kPlain, "pretrain", 1000, 0, pipe.output());
  int64_t step = 500;  // resumed there: the steps before it were not ours
  line.Update(step, 1, 1.0, 0);
  EXPECT_THAT(pipe.lines().back(), Not(HasSubstr("ETA")));
  for (; step <= 600; ++step, pipe.seconds += 0.1) line.Update(step, 1, 1.0, 0);
  for (; step <= 900; ++step, pipe.seconds += 1) line.Update(step, 1, 1.0, 0);
  // 300 s at one step a second have all but erased the faster past: the memory is 15 s.
  EXPECT_THAT(pipe.lines().back(), HasSubstr("step 900/1000 (90 %)"));
  EXPECT_THAT(pipe.lines().back(), HasSubstr("ETA 1m40s"));
}

TEST(ProgressBar, RedrawsInPlaceAtMostTenTimesASecond) {
  Screen terminal;
  terminal.columns = 120;
  ProgressLine line(ProgressMode::kAuto, "pretrain", 1000, 30, terminal.output());
  for (int64_t step = 1; step <= 1000; ++step) {
    terminal.seconds += 0.001;  // one second in all
    line.Update(step, 1, 0.25, 100);
  }
  const int64_t redraws = std::count(terminal.text.begin(), terminal.text.end(), '\r');
  EXPECT_GE(redraws, 9);
  EXPECT_LE(redraws, 11);
  EXPECT_THAT(terminal.text, Not(HasSubstr("\n")));
  line.Finish();
  EXPECT_THAT(terminal.bar(), AllOf(StartsWith("pretrain  [##"), HasSubstr("#] step 1000/1000 (100 %)")));
  EXPECT_EQ(terminal.text.back(), '\n');
}

TEST(ProgressBar, FitsTheTerminalAsItIsNow) {
  Screen terminal;
  ProgressLine line(ProgressMode::kBar, "pretrain", 1000, 30, terminal.output());
  for (const int columns : {200, 100, 60, 20, 3}) {
    terminal.columns = columns;
    terminal.seconds += 1;
    line.Update(static_cast<int64_t>(500 + terminal.seconds), 1, 0.25, 100);
    EXPECT_LT(static_cast<int>(terminal.bar().size()), columns);
    if (columns == 200) {
      EXPECT_THAT(terminal.bar(), HasSubstr("####...."));
    }
    if (columns == 60) {
      EXPECT_THAT(terminal.bar(), StartsWith("pretrain  step 50"));  // no room for a bar
    }
  }
}

TEST(ProgressBar, NotesDoNotTearIt) {
  Screen terminal;
  terminal.columns = 120;
  {
    ProgressLine line(ProgressMode::kBar, "pretrain", 100, 30, terminal.output());
    line.Update(1, 1, 0.5, 10);
    const std::string bar = terminal.bar();
    line.Note("checkpoint written");
    EXPECT_THAT(terminal.text, HasSubstr("\r\x1b[Kcheckpoint written\n"));
    EXPECT_EQ(terminal.bar(), bar);
  }
  EXPECT_EQ(terminal.text.back(), '\n');  // an error message that follows gets a line of its own
}

TEST(ProgressNone, IsSilent) {
  Screen terminal;
  terminal.columns = 120;
  {
    ProgressLine line(ProgressMode::kNone, "pretrain", 100, 30, terminal.output());
    line.Update(1, 1, 0.5, 10);
    line.Note("note");
    line.Finish();
  }
  EXPECT_EQ(terminal.text, "");
}

TEST(ProgressText, Durations) {
  EXPECT_EQ(DurationText(0.2), "0s");
  EXPECT_EQ(DurationText(59.4), "59s");
  EXPECT_EQ(DurationText(59.6), "1m00s");
  EXPECT_EQ(DurationText(130), "2m10s");
  EXPECT_EQ(DurationText(3 * 3600 + 5 * 60), "3h05m");
  EXPECT_EQ(DurationText(26 * 3600), "1d02h");
  EXPECT_EQ(DurationText(std::nan("")), "very long");
}

TEST(ProgressText, Rates) {
  EXPECT_EQ(RateText(0), "0");
  EXPECT_EQ(RateText(999), "999");
  EXPECT_EQ(RateText(999.9), "1.00k");
  EXPECT_EQ(RateText(1234), "1.23k");
  EXPECT_EQ(RateText(12'345), "12.3k");
  EXPECT_EQ(RateText(183'200), "183k");
  EXPECT_EQ(RateText(999'900), "1.00M");
  EXPECT_EQ(RateText(4.82e6), "4.82M");
}

}  // namespace
}  // namespace ppr::train
