// The launch scripts, with stand-ins for mpirun, srun and scontrol: they hand on every request to stop, and
// requeue on 85 alone.
#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "base/durable_file.h"
#include "cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LaunchScript : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    // Ends with 85 when asked to stop, with $JOB_CODE when not; touches `started` when it is ready to be
    // asked.
    const std::string launcher =
        "#!/bin/bash\ntrap 'exit 85' USR1\necho \"started $*\"\ntouch started\n"
        "if [ -n \"$JOB_CODE\" ]; then exit \"$JOB_CODE\"; fi\nwhile true; do sleep 0.05; done\n";
    for (const char* name : {"srun", "mpirun"}) MakeProgram(name, launcher);
    MakeProgram("scontrol", "#!/bin/bash\necho \"scontrol $*\"\n");
    MakeProgram("ppr", "#!/bin/bash\n");
  }
  void MakeProgram(const std::string& name, const std::string& text) const {
    Write(name, text);
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::owner_all);
  }
  ProgramResult Run(std::vector<std::string> words, int signal_number, const std::string& job_code) const {
    words[0] = PPR_SOURCE_DIR "/launch/" + words[0];
    words.insert(words.begin(), "/bin/bash");
    std::filesystem::remove(folder_ / "started");
    Program program(words, folder_,
                    {"PATH=" + folder_.string() + ":/usr/bin:/bin", "SLURM_JOB_ID=17", "JOB_CODE=" + job_code,
                     "PPR=" + (folder_ / "ppr").string()});
    while (signal_number != 0 && !FileExists((folder_ / "started").string()))
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (signal_number != 0) program.Signal(signal_number);
    return program.Wait();
  }
};

TEST_F(LaunchScript, PretrainUnderSlurmHandsSignalsOnAndRequeues) {
  for (const int signal_number : {SIGUSR1, SIGTERM}) {
    const ProgramResult result =
        Run({"slurm_pretrain.sbatch", "d.h5", "run", "--width=3"}, signal_number, "");
    EXPECT_EQ(result.exit_code, 85);
    EXPECT_THAT(result.out,
                AllOf(HasSubstr("--mpi=pmix"), HasSubstr("pretrain --dataset=d.h5 --output=run --resume"),
                      HasSubstr("--width=3"), HasSubstr("scontrol requeue 17")));
  }
}

TEST_F(LaunchScript, TuneUnderSlurmTakesThePretrainRun) {
  const ProgramResult result =
      Run({"slurm_tune.sbatch", "d.h5", "base", "run", "--method=ppr_light"}, SIGUSR1, "");
  EXPECT_EQ(result.exit_code, 85);
  EXPECT_THAT(result.out, AllOf(HasSubstr("tune --dataset=d.h5 --checkpoint=base --output=run --resume"),
                                HasSubstr("--method=ppr_light"), HasSubstr("scontrol requeue 17")));
}

TEST_F(LaunchScript, OtherEndsAreNotRequeued) {
  for (const std::string code : {"0", "64", "70", "93"}) {
    const ProgramResult result = Run({"slurm_pretrain.sbatch", "d.h5", "run"}, 0, code);
    EXPECT_EQ(std::to_string(result.exit_code), code);
    EXPECT_THAT(result.out, Not(HasSubstr("scontrol")));
  }
}

TEST_F(LaunchScript, MpirunGetsUsr1ForEveryRequestToStop) {
  for (const int signal_number : {SIGUSR1, SIGUSR2, SIGTERM}) {
    const ProgramResult result = Run({"mpirun.sh", "4", "pretrain", "--width=3"}, signal_number, "");
    EXPECT_EQ(result.exit_code, 85);
    EXPECT_THAT(result.out, AllOf(HasSubstr("-np 4"), HasSubstr("pretrain --width=3")));
  }
  EXPECT_EQ(Run({"mpirun.sh", "4", "pretrain"}, 0, "74").exit_code, 74);
}

TEST_F(LaunchScript, MpirunExplainsItselfAndAMissingBinary) {
  EXPECT_THAT(Run({"mpirun.sh"}, 0, "").err, HasSubstr("launch/mpirun.sh RANKS COMMAND"));
  std::filesystem::remove(folder_ / "ppr");
  const ProgramResult result = Run({"mpirun.sh", "2", "pretrain"}, 0, "");
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("found none: run scripts/build"));
}

}  // namespace
}  // namespace ppr::e2e
