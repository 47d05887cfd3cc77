// Runs the stages of a plan one after another, as child processes, and keeps what is complete.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "experiment/stage_command.h"
#include "experiment/stage_plan.h"
#include "experiment/stage_store.h"

namespace ppr::experiment {

struct RunnerOptions {
  StageProgram program;
  bool keep_going = false;  // after a stage that failed, run what does not need it
  std::function<void(const std::string& line)> progress;
};

class StageRunner {
 public:
  StageRunner(const StageStore& store, RunnerOptions options) : store_(store), options_(std::move(options)) {}

  // Runs every stage of the plan that is not complete; `later` further evaluations are expected for the
  // estimate of the time left. Throws StoppedOnRequest when a stage stopped on request, and, unless told to
  // keep going, an error with the stage's exit code and the last lines of its log when one failed.
  void Run(const StagePlan& plan, int64_t later);

  // What went wrong, a paragraph each; and the exit code of the first of them.
  const std::vector<std::string>& failures() const { return failures_; }
  int first_exit_code() const { return first_exit_code_; }

 private:
  void RunStage(const StagePlan& plan, const Stage& stage, const std::string& place, const std::string& left);
  void Fail(const Stage& stage, int exit_code);
  bool NeedsFailedStage(const StagePlan& plan, const Stage& stage) const;
  std::string TimeLeft(const StagePlan& plan, size_t from, int64_t later) const;

  const StageStore& store_;
  RunnerOptions options_;
  std::set<std::string> failed_;            // digests
  std::map<std::string, double> complete_;  // digest -> seconds
  std::vector<std::string> failures_;
  int first_exit_code_ = 0;
};

// "65: the data or a checkpoint is not what it should be".
std::string ExitCodeMeaning(int exit_code);

}  // namespace ppr::experiment
