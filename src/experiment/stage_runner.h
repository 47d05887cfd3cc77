// Runs the stages of a plan as child processes, one or several at a time, and keeps what is complete.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "experiment/child_process.h"
#include "experiment/stage_command.h"
#include "experiment/stage_plan.h"
#include "experiment/stage_store.h"

namespace ppr::experiment {

struct RunnerOptions {
  StageProgram program;
  std::string program_digest;   // "" when it is not known
  bool keep_going = false;      // after a stage that failed, run what does not need it
  int64_t parallel_stages = 1;  // at most so many at a time
  std::function<void(const std::string& line)> progress;
};

class StageRunner {
 public:
  StageRunner(const StageStore& store, RunnerOptions options) : store_(store), options_(std::move(options)) {}

  // Runs every stage of the plan that is not complete, in the plan's order as far as inputs allow; `later`
  // further evaluations are expected for the estimate of the time left. A request to stop
  // (base/stop_request.h), a failure unless told to keep going, and an error of this process are handed on to
  // what runs; once that has ended it throws: an error with the failed stage's exit code and the last lines
  // of its log, or StoppedOnRequest, or that error.
  void Run(const StagePlan& plan, int64_t later);

  // What went wrong, a paragraph each; and the exit code of the first of them.
  const std::vector<std::string>& failures() const { return failures_; }
  int first_exit_code() const { return first_exit_code_; }

 private:
  struct Running {
    Running(const Stage& of, const std::vector<std::string>& words, const std::string& log_path)
        : stage(&of), child(words, log_path) {}

    const Stage* stage;
    ChildProcess child;
  };

  void NoteComplete(const StagePlan& plan);
  void RunAll(const StagePlan& plan, int64_t later);
  bool IsEnding() const;
  std::optional<size_t> NextStage(const StagePlan& plan) const;
  void Start(const StagePlan& plan, size_t index, int64_t later);
  void WaitForEnds(const StagePlan& plan);
  void Finish(const StagePlan& plan, const Stage& stage, const ChildResult& result);
  void Fail(const StagePlan& plan, const Stage& stage, int exit_code);
  void FailWhatNeedsFailed(const StagePlan& plan);
  void EndAll();
  const Running* FindRunning(const Stage& stage) const;
  std::string TextOfTimeLeft(const StagePlan& plan, int64_t later) const;

  const StageStore& store_;
  RunnerOptions options_;
  std::list<Running> running_;
  std::set<std::string> failed_;            // digests, of what needs a failed stage too
  std::map<std::string, double> complete_;  // digest -> seconds
  std::string stopped_at_;                  // a stage that ended on request, or would be next
  std::vector<std::string> failures_;
  int first_exit_code_ = 0;
};

// "65: the data or a checkpoint is not what it should be".
std::string ExitCodeMeaning(int exit_code);

}  // namespace ppr::experiment
