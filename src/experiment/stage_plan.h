// Stages as data: what is to be run, on what, and the digest by which equal work is known.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "experiment/stage_flags.h"

namespace ppr::experiment {

enum class StageKind { kPrepare, kPretrain, kTune, kEvaluate };

// The sub-command of ppr that does it.
std::string CommandOf(StageKind kind);

// What a flag of a stage names: files that are there already, or what another stage of the plan writes.
struct StageInput {
  std::string flag;    // "dataset"
  std::string value;   // of the flag, for files that are there
  std::string digest;  // of those files' contents, or of the other stage
  int64_t stage = -1;  // index of the other stage in its plan
};

// The same flags and digests of inputs give the same digest, whatever paths and tables are called.
struct Stage {
  StageKind kind = StageKind::kPrepare;
  StageFlags flags;                // without inputs and output
  std::vector<StageInput> inputs;  // by flag
  std::string label;               // for a person: "CIKM, PPR(full), few-shot, seed 1"
  std::string digest;              // 16 hex digits

  // "tune-ppr_full-few_shot-0123456789abcdef": depends on flags and digest alone.
  std::string FolderName() const;
};

// Stages in an order in which they can run; none twice.
class StagePlan {
 public:
  // Gives the stage its digest and its place; the place of the equal one when there is one.
  int64_t Add(Stage stage);
  // An input that is the output of stage `index`.
  StageInput OutputOf(const std::string& flag, int64_t index) const;

  const std::vector<Stage>& stages() const { return stages_; }
  const Stage& stage(int64_t index) const { return stages_.at(static_cast<size_t>(index)); }

 private:
  std::vector<Stage> stages_;
  std::map<std::string, int64_t> places_;  // digest -> index
};

}  // namespace ppr::experiment
