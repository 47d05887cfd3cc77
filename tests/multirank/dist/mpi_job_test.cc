// A failing rank ends the whole job, non-zero and with a message: real mpirun, real processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace ppr::dist::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct JobResult {
  int exit_code = 0;
  std::string output;
};

// Runs the job program on `ranks` ranks. A job that hangs is killed after 30 s, which `timeout` reports as
// 124.
JobResult RunJob(int ranks, const std::string& how) {
  const std::string command = std::string("timeout -k 2 30 ") + PPR_MPIEXEC +
                              " --allow-run-as-root --oversubscribe --bind-to none -np " +
                              std::to_string(ranks) + " " + PPR_MPI_JOB + " " + how + " 2>&1";
  JobResult result;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::array<char, 4096> buffer;
  size_t got = 0;
  while ((got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0)
    result.output.append(buffer.data(), got);
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

constexpr int kHung = 124;

TEST(MpiJob, ThatGoesWellEndsWithZero) {
  const JobResult result = RunJob(3, "well");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST(MpiJob, AbortJobEndsAllRanksWithItsExitCode) {
  const JobResult result = RunJob(3, "abort");
  EXPECT_EQ(result.exit_code, 65) << result.output;
}

TEST(MpiJob, ErrorOfOneRankEndsTheJobWithItsExitCodeAndMessage) {
  const JobResult result = RunJob(3, "throw");
  EXPECT_EQ(result.exit_code, 65) << result.output;
  EXPECT_THAT(result.output, HasSubstr("row 7 of clicks.csv is broken"));
}

// The peers learn of the failure and end the job before the rank that failed does.
TEST(MpiJob, PeersEndTheJobWithTheExitCodeOfTheRankThatFailed) {
  const JobResult result = RunJob(3, "dawdle");
  EXPECT_EQ(result.exit_code, 65) << result.output;
  EXPECT_THAT(result.output, HasSubstr("rank 1 failed in phase \"step 12\": row 7 of clicks.csv is broken"));
}

TEST(MpiJob, UnwindingThroughTheSessionEndsTheJob) {
  const JobResult result = RunJob(2, "unwinding");
  EXPECT_EQ(result.exit_code, 70) << result.output;
}

TEST(MpiJob, KilledRankEndsTheJob) {
  const JobResult result = RunJob(3, "killed");
  EXPECT_NE(result.exit_code, 0) << result.output;
  EXPECT_NE(result.exit_code, kHung) << result.output;
}

TEST(MpiJob, SilentRankEndsTheJobAtTheDeadline) {
  const JobResult result = RunJob(3, "silent");
  EXPECT_EQ(result.exit_code, 70) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("phase \"step 12\", in Barrier"), HasSubstr("waited 0.3 s")));
}

}  // namespace
}  // namespace ppr::dist::test
