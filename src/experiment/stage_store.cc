#include "experiment/stage_store.h"

#include <sstream>

#include "base/durable_file.h"
#include "base/text_format.h"

namespace ppr::experiment {

std::string StageStore::OutputOf(const Stage& stage) const {
  return FolderOf(stage) + (stage.kind == StageKind::kPrepare ? "/dataset.h5" : "/run");
}

std::optional<Completion> StageStore::CompletionOf(const Stage& stage) const {
  const std::string path = FolderOf(stage) + "/done";
  if (!FileExists(path)) return std::nullopt;
  std::istringstream text(ReadWholeFile(path));
  std::string digest;
  Completion completion;
  if (!(text >> digest >> completion.seconds) || digest != stage.digest) return std::nullopt;
  text >> completion.program;
  return completion;
}

void StageStore::MarkComplete(const Stage& stage, const Completion& completion) const {
  WriteFileDurably(FolderOf(stage) + "/done",
                   stage.digest + Format(" %.3f ", completion.seconds) + completion.program + "\n");
}

}  // namespace ppr::experiment
