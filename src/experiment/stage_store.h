// Where stages keep their outputs and logs, and which of them are complete:
//
//     FOLDER/stages/<name>-<digest>/run        output: a run folder, or a folder with metrics.json
//                                  /dataset.h5 output of prepare
//                                  /log        what the stage printed
//                                  /done       written last: digests of stage and program, and seconds
#pragma once

#include <optional>
#include <string>

#include "experiment/stage_plan.h"

namespace ppr::experiment {

struct Completion {
  double seconds = 0;
  std::string program;  // digest of the program that ran it; "" when it is not known
};

class StageStore {
 public:
  explicit StageStore(std::string folder) : folder_(std::move(folder)) {}

  std::string FolderOf(const Stage& stage) const { return folder_ + "/stages/" + stage.FolderName(); }
  std::string OutputOf(const Stage& stage) const;
  std::string LogOf(const Stage& stage) const { return FolderOf(stage) + "/log"; }

  // Of a stage that is complete.
  std::optional<Completion> CompletionOf(const Stage& stage) const;
  bool IsComplete(const Stage& stage) const { return CompletionOf(stage).has_value(); }
  // Durable: a stage is complete after a crash too, or has to run again.
  void MarkComplete(const Stage& stage, const Completion& completion) const;

 private:
  std::string folder_;
};

}  // namespace ppr::experiment
