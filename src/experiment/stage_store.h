// Where stages keep their outputs and logs, and which of them are complete:
//
//     FOLDER/stages/<name>-<digest>/run        output: a run folder, or a folder with metrics.json
//                                  /dataset.h5 output of prepare
//                                  /log        what the stage printed
//                                  /done       written last: digest and seconds
#pragma once

#include <optional>
#include <string>

#include "experiment/stage_plan.h"

namespace ppr::experiment {

class StageStore {
 public:
  explicit StageStore(std::string folder) : folder_(std::move(folder)) {}

  std::string FolderOf(const Stage& stage) const { return folder_ + "/stages/" + stage.FolderName(); }
  std::string OutputOf(const Stage& stage) const;
  std::string LogOf(const Stage& stage) const { return FolderOf(stage) + "/log"; }

  // How long it took, when it is complete.
  std::optional<double> SecondsOf(const Stage& stage) const;
  bool IsComplete(const Stage& stage) const { return SecondsOf(stage).has_value(); }
  // Durable: a stage is complete after a crash too, or has to run again.
  void MarkComplete(const Stage& stage, double seconds) const;

 private:
  std::string folder_;
};

}  // namespace ppr::experiment
