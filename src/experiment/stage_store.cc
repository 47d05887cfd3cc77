#include "experiment/stage_store.h"

#include <cstdlib>

#include "base/durable_file.h"
#include "base/text_format.h"

namespace ppr::experiment {

std::string StageStore::OutputOf(const Stage& stage) const {
  return FolderOf(stage) + (stage.kind == StageKind::kPrepare ? "/dataset.h5" : "/run");
}

std::optional<double> StageStore::SecondsOf(const Stage& stage) const {
  const std::string path = FolderOf(stage) + "/done";
  if (!FileExists(path)) return std::nullopt;
  const std::string text = ReadWholeFile(path), begin = stage.digest + " ";
  if (!text.starts_with(begin)) return std::nullopt;
  return std::strtod(text.c_str() + begin.size(), nullptr);
}

void StageStore::MarkComplete(const Stage& stage, double seconds) const {
  WriteFileDurably(FolderOf(stage) + "/done", stage.digest + Format(" %.3f\n", seconds));
}

}  // namespace ppr::experiment
