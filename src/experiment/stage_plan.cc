#include "experiment/stage_plan.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/digest.h"

namespace ppr::experiment {
namespace {

// Flags that say how to run, not what to compute (docs/contracts.md: the number of ranks does not change the
// model).
const std::set<std::string>& LaunchFlags() {
  static const std::set<std::string> names = {
      "local_ranks",      "threads",      "deadline_seconds", "progress",   "checkpoint_every_steps",
      "keep_checkpoints", "memory_bytes", "temporary_folder", "batch_cases"};
  return names;
}

// A line per flag and input; what runs alike but is launched otherwise is the same text.
std::string DigestOfStage(const Stage& stage) {
  std::string text = CommandOf(stage.kind) + "\n";
  for (const auto& [name, value] : stage.flags) {
    if (!LaunchFlags().contains(name)) text += "--" + name + "=" + value + "\n";
  }
  for (const StageInput& input : stage.inputs) text += input.flag + " " + input.digest + "\n";
  return DigestOfBytes(text.data(), text.size()).substr(0, 16);
}

std::string FileName(const std::string& text) {
  std::string name = text;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
  };
  std::replace_if(
      name.begin(), name.end(), [&](char c) { return !plain(c); }, '_');
  return name;
}

}  // namespace

std::string CommandOf(StageKind kind) {
  static const std::array<std::string, 4> names = {"prepare", "pretrain", "tune", "evaluate"};
  return names.at(static_cast<size_t>(kind));
}

std::string Stage::FolderName() const {
  std::string name = CommandOf(kind);
  for (const char* const flag :
       {"source", "model", "train_users", "method", "baseline", "task", "predict_field", "seed"}) {
    const auto found = flags.find(flag);
    if (found != flags.end()) name += "-" + FileName(found->second);
  }
  return name + "-" + digest;
}

int64_t StagePlan::Add(Stage stage) {
  std::sort(stage.inputs.begin(), stage.inputs.end(),
            [](const StageInput& a, const StageInput& b) { return a.flag < b.flag; });
  stage.digest = DigestOfStage(stage);
  const auto [place, is_new] = places_.emplace(stage.digest, static_cast<int64_t>(stages_.size()));
  if (is_new) stages_.push_back(std::move(stage));
  return place->second;
}

StageInput StagePlan::OutputOf(const std::string& flag, int64_t index) const {
  return {.flag = flag, .value = "", .digest = stage(index).digest, .stage = index};
}

}  // namespace ppr::experiment
