#include "experiment/stage_runner.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/stop_request.h"
#include "experiment/time_left.h"

namespace ppr::experiment {
namespace {

constexpr size_t kLogLines = 15;  // shown of a stage that failed
constexpr int kSignalBase = 128;  // exit codes above it name the signal that ended a program

std::string LastLines(const std::string& path, size_t count) {
  std::string text = FileExists(path) ? ReadWholeFile(path) : "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  size_t begin = text.size();
  for (size_t lines = 0; lines < count && begin != std::string::npos; ++lines) {
    begin = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
  }
  return begin == std::string::npos ? text : text.substr(begin + 1);
}

// The codes that ppr gives (base/errors.h); others come from the launcher or a signal.
bool IsOurs(int exit_code) {
  constexpr std::array<int, 6> kOurs = {64, 65, 70, 74, 85, 93};
  return std::find(kOurs.begin(), kOurs.end(), exit_code) != kOurs.end();
}

// The end that was asked for, by us or by a launcher that signals every process; a stage that was told to
// stop may still fail on the way, or crash.
bool IsStop(const ChildResult& result) {
  if (result.exit_code == static_cast<int>(ExitCode::kStoppedOnRequest)) return true;
  const std::array<int, 4> ends = {SIGUSR1, SIGUSR2, SIGTERM, SIGKILL};
  return result.was_told && std::find(ends.begin(), ends.end(), result.exit_code - kSignalBase) != ends.end();
}

// "tune of CIKM, PPR(full), few-shot, seed 1".
std::string Described(const Stage& stage) { return CommandOf(stage.kind) + " of " + stage.label; }

}  // namespace

std::string ExitCodeMeaning(int exit_code) {
  std::string meaning;
  switch (exit_code) {
    case 64:
      meaning = "its flags cannot work";
      break;
    case 65:
      meaning = "the data or a checkpoint is not what it should be";
      break;
    case 70:
      meaning = "a fault of ours, or a rank that was lost";
      break;
    case 74:
      meaning = "the file system refused something";
      break;
    case 85:
      meaning = "stopped on request, with a good checkpoint";
      break;
    case 93:
      meaning = "starting again would fail in the same way";
      break;
    case 127:
      meaning = "the program could not be started";
      break;
    default:
      meaning = exit_code > kSignalBase ? "ended by signal " + std::to_string(exit_code - kSignalBase)
                                        : "no code of ppr";
  }
  return std::to_string(exit_code) + ": " + meaning;
}

void StageRunner::Run(const StagePlan& plan, int64_t later) {
  try {
    RunAll(plan, later);
  } catch (...) {
    EndAll();
    throw;
  }
  if (!failures_.empty() && !options_.keep_going) {
    std::string text;
    for (const std::string& failure : failures_) text += (text.empty() ? "" : "\n") + failure;
    throw Error(static_cast<ExitCode>(first_exit_code_), text);
  }
  if (!stopped_at_.empty()) {
    throw StoppedOnRequest("stopped on request at " + stopped_at_ +
                           "; start the same command again to go on");
  }
}

void StageRunner::NoteComplete(const StagePlan& plan) {
  int64_t of_others = 0;
  for (const Stage& stage : plan.stages()) {
    const std::optional<Completion> completion = store_.CompletionOf(stage);
    if (!completion || !complete_.emplace(stage.digest, completion->seconds).second) continue;
    of_others += completion->program != options_.program_digest ? 1 : 0;
  }
  if (of_others > 0) {
    options_.progress(
        std::to_string(of_others) +
        " complete stages are of another build of the program and are kept; where it changed what "
        "they compute, start a new folder");
  }
}

void StageRunner::RunAll(const StagePlan& plan, int64_t later) {
  NoteComplete(plan);
  FailWhatNeedsFailed(plan);
  for (std::optional<size_t> next = NextStage(plan); next || !running_.empty(); next = NextStage(plan)) {
    const bool has_place = static_cast<int64_t>(running_.size()) < options_.parallel_stages;
    if (next && has_place && !IsEnding()) {
      Start(plan, *next, later);
    } else if (!running_.empty()) {
      WaitForEnds(plan);
    } else {
      if (stopped_at_.empty()) stopped_at_ = Described(plan.stages()[*next]);
      return;
    }
  }
}

// Whether nothing more is to be started.
bool StageRunner::IsEnding() const {
  return StopRequested() != 0 || !stopped_at_.empty() || (!failures_.empty() && !options_.keep_going);
}

// The first that waits for nothing but a place.
std::optional<size_t> StageRunner::NextStage(const StagePlan& plan) const {
  for (size_t i = 0; i < plan.stages().size(); ++i) {
    const Stage& stage = plan.stages()[i];
    if (failed_.contains(stage.digest) || complete_.contains(stage.digest)) continue;
    const bool has_inputs =
        std::all_of(stage.inputs.begin(), stage.inputs.end(), [&](const StageInput& input) {
          return input.stage < 0 || complete_.contains(plan.stage(input.stage).digest);
        });
    if (has_inputs && FindRunning(stage) == nullptr) return i;
  }
  return std::nullopt;
}

const StageRunner::Running* StageRunner::FindRunning(const Stage& stage) const {
  const auto found = std::find_if(running_.begin(), running_.end(), [&](const Running& running) {
    return running.stage->digest == stage.digest;
  });
  return found == running_.end() ? nullptr : &*found;
}

void StageRunner::Start(const StagePlan& plan, size_t index, int64_t later) {
  const Stage& stage = plan.stages()[index];
  const size_t total = plan.stages().size() + static_cast<size_t>(later);
  options_.progress("[" + std::to_string(index + 1) + "/" + std::to_string(total) + "] " +
                    CommandOf(stage.kind) + " " + stage.label + TextOfTimeLeft(plan, later));
  CreateFolder(store_.FolderOf(stage));
  running_.emplace_back(stage, CommandLineOf(plan, stage, store_, options_.program), store_.LogOf(stage));
}

// Returns once one has ended, and with it all that have: one of them may be a reason to start no other.
void StageRunner::WaitForEnds(const StagePlan& plan) {
  for (bool some_ended = false; !some_ended;) {
    auto youngest = std::chrono::steady_clock::duration::max();
    for (auto running = running_.begin(); running != running_.end();) {
      if (IsEnding()) running->child.AskToStop();
      youngest = std::min(youngest, running->child.Age());
      if (const std::optional<ChildResult> result = running->child.Poll()) {
        const Stage& stage = *running->stage;
        running = running_.erase(running);
        some_ended = true;
        Finish(plan, stage, *result);
      } else {
        ++running;
      }
    }
    // Nothing to wait on tells of both a child's end and a signal on every kernel. An eighth of the time that
    // went by is little beside it.
    if (!some_ended) {
      std::this_thread::sleep_for(std::clamp<std::chrono::steady_clock::duration>(
          youngest / 8, std::chrono::milliseconds{1}, std::chrono::milliseconds{200}));
    }
  }
}

void StageRunner::Finish(const StagePlan& plan, const Stage& stage, const ChildResult& result) {
  if (result.exit_code == 0) {
    store_.MarkComplete(stage, {result.seconds, options_.program_digest});
    complete_.emplace(stage.digest, result.seconds);
  } else if (!IsStop(result)) {
    Fail(plan, stage, result.exit_code);
  } else if (stopped_at_.empty()) {
    stopped_at_ = Described(stage);
  }
}

void StageRunner::Fail(const StagePlan& plan, const Stage& stage, int exit_code) {
  const std::string what = Described(stage) + " ended with exit code " + ExitCodeMeaning(exit_code);
  const std::string text =
      what + ". The last lines of " + store_.LogOf(stage) + ":\n" + LastLines(store_.LogOf(stage), kLogLines);
  if (options_.keep_going) {
    options_.progress(text);
  } else if (!running_.empty()) {
    options_.progress(what + "; what runs beside it is asked to stop");
  }
  failed_.insert(stage.digest);
  FailWhatNeedsFailed(plan);
  failures_.push_back(text);
  if (first_exit_code_ == 0)
    first_exit_code_ = IsOurs(exit_code) ? exit_code : static_cast<int>(ExitCode::kInternal);
}

// Inputs come before what needs them.
void StageRunner::FailWhatNeedsFailed(const StagePlan& plan) {
  for (const Stage& stage : plan.stages()) {
    for (const StageInput& input : stage.inputs) {
      if (input.stage >= 0 && failed_.contains(plan.stage(input.stage).digest)) failed_.insert(stage.digest);
    }
  }
}

// On the way out of an error: stages that can commit a checkpoint.
void StageRunner::EndAll() {
  for (Running& running : running_) running.child.AskToStop();
  while (!running_.empty()) {
    running_.remove_if([](Running& running) { return running.child.Poll().has_value(); });
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

std::string StageRunner::TextOfTimeLeft(const StagePlan& plan, int64_t later) const {
  TimeLeft time;
  for (const Stage& stage : plan.stages()) {
    const Running* const running = FindRunning(stage);
    if (const auto found = complete_.find(stage.digest); found != complete_.end()) {
      time.AddComplete(stage.kind, found->second);
    } else if (running != nullptr) {
      time.AddLeft(stage.kind, std::chrono::duration<double>(running->child.Age()).count());
    } else if (!failed_.contains(stage.digest)) {
      time.AddLeft(stage.kind);
    }
  }
  for (int64_t i = 0; i < later; ++i) time.AddLeft(StageKind::kEvaluate);
  return time.Text(options_.parallel_stages);
}

}  // namespace ppr::experiment
