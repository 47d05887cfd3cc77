#include "experiment/stage_runner.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/stop_request.h"
#include "base/text_format.h"
#include "experiment/child_process.h"

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
  const std::vector<Stage>& stages = plan.stages();
  const size_t total = stages.size() + static_cast<size_t>(later);
  for (const Stage& stage : stages) {
    const std::optional<double> seconds = store_.SecondsOf(stage);
    if (seconds) complete_.emplace(stage.digest, *seconds);
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    const Stage& stage = stages[i];
    if (failed_.contains(stage.digest) || complete_.contains(stage.digest)) continue;
    if (NeedsFailedStage(plan, stage)) {
      failed_.insert(stage.digest);
      continue;
    }
    RunStage(plan, stage, std::to_string(i + 1) + "/" + std::to_string(total), TimeLeft(plan, i, later));
  }
}

void StageRunner::RunStage(const StagePlan& plan, const Stage& stage, const std::string& place,
                           const std::string& left) {
  const auto stopped = [&] {
    return StoppedOnRequest("stopped on request at " + CommandOf(stage.kind) + " of " + stage.label +
                            "; start the same command again to go on");
  };
  if (StopRequested() != 0) throw stopped();
  options_.progress("[" + place + "] " + CommandOf(stage.kind) + " " + stage.label + left);
  CreateFolder(store_.FolderOf(stage));
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result =
      RunChild(CommandLineOf(plan, stage, store_, options_.program), store_.LogOf(stage));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (result.exit_code == 0) {
    store_.MarkComplete(stage, took.count());
    complete_.emplace(stage.digest, took.count());
  } else if (IsStop(result)) {
    throw stopped();
  } else {
    Fail(stage, result.exit_code);
  }
}

void StageRunner::Fail(const Stage& stage, int exit_code) {
  std::string text = CommandOf(stage.kind) + " of " + stage.label + " ended with exit code " +
                     ExitCodeMeaning(exit_code) + ". The last lines of " + store_.LogOf(stage) + ":\n";
  text += LastLines(store_.LogOf(stage), kLogLines);
  const int code = IsOurs(exit_code) ? exit_code : static_cast<int>(ExitCode::kInternal);
  if (!options_.keep_going) throw Error(static_cast<ExitCode>(code), text);
  options_.progress(text);
  failed_.insert(stage.digest);
  failures_.push_back(text);
  if (first_exit_code_ == 0) first_exit_code_ = code;
}

bool StageRunner::NeedsFailedStage(const StagePlan& plan, const Stage& stage) const {
  return std::any_of(stage.inputs.begin(), stage.inputs.end(), [&](const StageInput& input) {
    return input.stage >= 0 && failed_.contains(plan.stage(input.stage).digest);
  });
}

// From the mean time of complete stages of the same kind; "" until each kind that is left has one.
std::string StageRunner::TimeLeft(const StagePlan& plan, size_t from, int64_t later) const {
  struct OfKind {
    double seconds = 0;
    int64_t complete = 0, left = 0;
  };
  std::array<OfKind, 4> kinds;
  kinds[static_cast<size_t>(StageKind::kEvaluate)].left = later;
  for (size_t i = 0; i < plan.stages().size(); ++i) {
    const Stage& stage = plan.stages()[i];
    OfKind& kind = kinds[static_cast<size_t>(stage.kind)];
    if (const auto found = complete_.find(stage.digest); found != complete_.end()) {
      kind.seconds += found->second;
      ++kind.complete;
    } else if (i >= from) {
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
  if (left == 0) return "";
  return (known ? ", about " : ", at least ") + Duration(left) + " left";
}

}  // namespace ppr::experiment
