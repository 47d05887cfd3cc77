#include "experiment/stage_runner.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/stop_request.h"
#include "base/text_format.h"

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

std::string Duration(double seconds) {
  if (seconds < 90) return Format("%.0f s", seconds);
  if (seconds < 90 * 60) return Format("%.0f min", seconds / 60);
  return Format("%.1f h", seconds / 3600);
}

// The codes that ppr gives (base/errors.h); others come from the launcher or a signal.
bool IsOurs(int exit_code) {
  constexpr std::array<int, 6> kOurs = {64, 65, 70, 74, 85, 93};
  return std::find(kOurs.begin(), kOurs.end(), exit_code) != kOurs.end();
}

// The end that was asked for; a stage that was told to stop may still fail on the way.
bool IsStop(const ChildResult& result) {
  return result.exit_code == static_cast<int>(ExitCode::kStoppedOnRequest) ||
         (result.was_told && result.exit_code > kSignalBase);
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
  for (const Stage& stage : plan.stages()) {
    const std::optional<double> seconds = store_.SecondsOf(stage);
    if (seconds) complete_.emplace(stage.digest, *seconds);
  }
  for (std::optional<size_t> next = NextStage(plan); next || !running_.empty(); next = NextStage(plan)) {
    const bool has_place = static_cast<int64_t>(running_.size()) < options_.parallel_stages;
    if (next && has_place && !IsEnding()) {
      Start(plan, *next, later);
    } else if (!running_.empty()) {
      WaitForAnEnd();
    } else {
      if (stopped_at_.empty()) stopped_at_ = Described(plan.stages()[*next]);
      break;
    }
  }
  if (!failures_.empty() && !options_.keep_going)
    throw Error(static_cast<ExitCode>(first_exit_code_), failures_.front());
  if (!stopped_at_.empty()) {
    throw StoppedOnRequest("stopped on request at " + stopped_at_ +
                           "; start the same command again to go on");
  }
}

// Whether nothing more is to be started.
bool StageRunner::IsEnding() const {
  return StopRequested() != 0 || !stopped_at_.empty() || (!failures_.empty() && !options_.keep_going);
}

// The first that waits for nothing.
std::optional<size_t> StageRunner::NextStage(const StagePlan& plan) {
  for (size_t i = 0; i < plan.stages().size(); ++i) {
    const Stage& stage = plan.stages()[i];
    if (failed_.contains(stage.digest) || complete_.contains(stage.digest) || IsRunning(stage)) continue;
    const auto some_input = [&](const auto& is) {
      return std::any_of(stage.inputs.begin(), stage.inputs.end(), [&](const StageInput& input) {
        return input.stage >= 0 && is(plan.stage(input.stage).digest);
      });
    };
    if (some_input([&](const std::string& digest) { return failed_.contains(digest); })) {
      failed_.insert(stage.digest);
    } else if (!some_input([&](const std::string& digest) { return !complete_.contains(digest); })) {
      return i;
    }
  }
  return std::nullopt;
}

bool StageRunner::IsRunning(const Stage& stage) const {
  return std::any_of(running_.begin(), running_.end(),
                     [&](const Running& running) { return running.stage->digest == stage.digest; });
}

void StageRunner::Start(const StagePlan& plan, size_t index, int64_t later) {
  const Stage& stage = plan.stages()[index];
  const size_t total = plan.stages().size() + static_cast<size_t>(later);
  options_.progress("[" + std::to_string(index + 1) + "/" + std::to_string(total) + "] " +
                    CommandOf(stage.kind) + " " + stage.label + TimeLeft(plan, later));
  CreateFolder(store_.FolderOf(stage));
  running_.emplace_back(stage, CommandLineOf(plan, stage, store_, options_.program), store_.LogOf(stage));
}

void StageRunner::WaitForAnEnd() {
  for (;;) {
    auto youngest = std::chrono::steady_clock::duration::max();
    for (auto running = running_.begin(); running != running_.end(); ++running) {
      if (IsEnding()) running->child.AskToStop();
      if (const std::optional<ChildResult> result = running->child.Poll()) {
        const Stage& stage = *running->stage;
        running_.erase(running);
        return Finish(stage, *result);
      }
      youngest = std::min(youngest, running->child.Age());
    }
    // Nothing to wait on tells of both a child's end and a signal on every kernel. An eighth of the time that
    // went by is little beside it.
    std::this_thread::sleep_for(std::clamp<std::chrono::steady_clock::duration>(
        youngest / 8, std::chrono::milliseconds{1}, std::chrono::milliseconds{200}));
  }
}

void StageRunner::Finish(const Stage& stage, const ChildResult& result) {
  if (result.exit_code == 0) {
    store_.MarkComplete(stage, result.seconds);
    complete_.emplace(stage.digest, result.seconds);
  } else if (!IsStop(result)) {
    Fail(stage, result.exit_code);
  } else if (stopped_at_.empty()) {
    stopped_at_ = Described(stage);
  }
}

void StageRunner::Fail(const Stage& stage, int exit_code) {
  std::string text = Described(stage) + " ended with exit code " + ExitCodeMeaning(exit_code) +
                     ". The last lines of " + store_.LogOf(stage) + ":\n";
  text += LastLines(store_.LogOf(stage), kLogLines);
  if (options_.keep_going) options_.progress(text);
  failed_.insert(stage.digest);
  failures_.push_back(text);
  if (first_exit_code_ == 0)
    first_exit_code_ = IsOurs(exit_code) ? exit_code : static_cast<int>(ExitCode::kInternal);
}

// From the mean time of complete stages of the same kind; "" until each kind that is left has one.
std::string StageRunner::TimeLeft(const StagePlan& plan, int64_t later) const {
  struct OfKind {
    double seconds = 0;
    int64_t complete = 0, left = 0;
  };
  std::array<OfKind, 4> kinds;
  kinds[static_cast<size_t>(StageKind::kEvaluate)].left = later;
  for (const Stage& stage : plan.stages()) {
    OfKind& kind = kinds[static_cast<size_t>(stage.kind)];
    if (const auto found = complete_.find(stage.digest); found != complete_.end()) {
      kind.seconds += found->second;
      ++kind.complete;
    } else if (!failed_.contains(stage.digest)) {
      ++kind.left;
    }
  }
  double left = 0;
  bool known = true;
  for (const OfKind& kind : kinds) {
    if (kind.left == 0) continue;
    known = known && kind.complete > 0;
    if (kind.complete > 0)
      left += kind.seconds / static_cast<double>(kind.complete) * static_cast<double>(kind.left);
  }
  left /= static_cast<double>(options_.parallel_stages);
  if (left == 0) return "";
  return (known ? ", about " : ", at least ") + Duration(left) + " left";
}

}  // namespace ppr::experiment
