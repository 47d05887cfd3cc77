// Whether this process is one of several ranks, from the environments that launchers make.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "dist/mpi/mpi_session.h"

namespace ppr::dist {
namespace {

// The answer in an environment that holds `variables` and no other launcher's.
bool LaunchedWith(const std::map<std::string, std::string>& variables) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK", "SLURM_NTASKS",
                           "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}) {
    unsetenv(name);
  }
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), /*replace=*/1);
  return LaunchedByMpi();
}

TEST(LaunchedByMpi, KnowsTheLaunchers) {
  EXPECT_FALSE(LaunchedWith({}));
  EXPECT_TRUE(LaunchedWith({{"OMPI_COMM_WORLD_SIZE", "2"}, {"PMIX_RANK", "1"}}));
  EXPECT_FALSE(LaunchedWith({{"OMPI_COMM_WORLD_SIZE", "1"}, {"PMIX_RANK", "0"}}));
  EXPECT_TRUE(LaunchedWith({{"PMI_SIZE", "4"}, {"PMI_RANK", "3"}}));
  EXPECT_TRUE(LaunchedWith({{"PMIX_RANK", "0"}}));
  // srun with and without several tasks.
  EXPECT_TRUE(LaunchedWith({{"SLURM_NTASKS", "2"}, {"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}));
  EXPECT_FALSE(LaunchedWith({{"SLURM_NTASKS", "1"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}));
  // A plain command in a batch script of 8 tasks is no rank.
  EXPECT_FALSE(LaunchedWith({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}));
  // mpirun in a Slurm job: the step is that of Open MPI's daemons, one per node.
  EXPECT_TRUE(LaunchedWith({{"OMPI_COMM_WORLD_SIZE", "8"}, {"SLURM_STEP_NUM_TASKS", "1"}}));
  EXPECT_FALSE(LaunchedWith({{"OMPI_COMM_WORLD_SIZE", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}));
}

}  // namespace
}  // namespace ppr::dist
