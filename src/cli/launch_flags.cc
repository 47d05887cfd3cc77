#include "cli/launch_flags.h"

namespace ppr::cli {
namespace {

constexpr int64_t kMostLocalRanks = 512, kMostThreads = 1024;
constexpr double kMostDeadlineSeconds = 1e7;

void AddAll(settings::Settings& settings, LaunchSettings& launch, model::ComputePath& compute) {
  settings.Add(
      &launch.local_ranks,
      {.flag = "local_ranks",
       .help =
           "Run this many ranks as threads of one process, for trying things out; 0: the ranks that mpirun "
           "or srun started, or one",
       .limits = settings::Between(0, kMostLocalRanks)});
  settings.Add(
      &launch.threads,
      {.flag = "threads",
       .help = "Threads of each rank; 0: the cores this rank may use, shared with the ranks beside it",
       .limits = settings::Between(0, kMostThreads)});
  Describe(settings, compute);
  settings.Add(&launch.deadline_seconds,
               {.flag = "deadline_seconds",
                .help = "Longest wait for the other ranks in one exchange before the job ends with an error",
                .limits = settings::Limits{.expected = "at least 1",
                                           .expected_above = "at most 1e7",
                                           .least = 1,
                                           .most = kMostDeadlineSeconds}});
}

settings::Settings& LaunchTopic(settings::Settings& settings) {
  return settings.Topic("Launch (not stored in config.flags)", /*in_config_flags=*/false).Section("");
}

}  // namespace

void DescribeLaunch(settings::Settings& settings, LaunchSettings& launch, train::TrainingConfig& training) {
  DescribeProgress(LaunchTopic(settings), training);
  AddAll(settings, launch, training.compute);
}

void DescribeLaunch(settings::Settings& settings, LaunchSettings& launch, model::ComputePath& compute) {
  AddAll(LaunchTopic(settings), launch, compute);
}

LaunchSettings LaunchSettingsFromFlags(settings::FlagSet& flags) {
  LaunchSettings launch;
  model::ComputePath compute = model::ComputePath::kAuto;
  settings::Settings all, own;
  DescribeLaunch(all, launch, compute);
  for (const void* field :
       std::initializer_list<const void*>{&launch.local_ranks, &launch.threads, &launch.deadline_seconds})
    own.Take(all, field);
  if (!flags.takes(own.all().front().flag())) return launch;
  flags.AssignTo(own);
  flags.AddProblems(own.Problems());
  return launch;
}

}  // namespace ppr::cli
