// Checkpoints that are whole or not there (docs/file-formats.md, docs/contracts.md contract 5).
//
// A checkpoint is a folder run/checkpoints/step_NNNNNNNNNNNN with manifest.json (own digest, digests and
// sizes of all files, the table of tensors, W, owner function, config, lineage), shared.h5 (what all ranks
// hold alike, written by rank 0) and one shard_RRRR.h5 a rank (its rows in slot order). Commit protocol:
// write into step_....tmp, close with every return code checked, sync, read back and digest, gather digests
// on rank 0, manifest, sync the folder, rename, sync the parent, replace the pointer file. Any W' reads it,
// each rank only its own rows, each byte verified once before it is parsed.
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/manifest.h"
#include "checkpoint/state.h"
#include "dist/communicator.h"

namespace ppr::checkpoint {

struct CheckpointContents {
  std::string kind;  // "pretrain" or "tune"
  std::string run_id;
  int64_t step = 0;
  std::string config_json;    // model and stage settings, checked by the reader of the stage
  std::string progress_json;  // epoch, data cursor, early-stop state; rank 0's is written
  std::string dataset_digest;
  std::string parent_digest;  // manifest digest of the checkpoint this stage started from; "" for pretrain
  int64_t num_items = 0;      // V
  // The same names, types and cuts on all ranks. WriteCheckpoint compares digests of what is whole and throws
  // BugError when ranks have drifted apart.
  TrainingState state;
};

struct CheckpointOptions {
  int keep = 2;            // newest checkpoints of the run kept besides the one that BEST names; at least 2
  bool mark_best = false;  // also point BEST at this one
};

// Collective. Writes and commits; then drops older checkpoints. Returns the manifest digest. When any rank's
// write fails every rank throws StorageError naming rank, file and reason, and the previous checkpoints are
// untouched. The folder is step_NNNNNNNNNNNN, or step_NNNNNNNNNNNN_2 when a pointer names another checkpoint
// of that step: ask ResolveCheckpoint rather than build the name.
std::string WriteCheckpoint(dist::Communicator& communicator, const std::string& run_folder,
                            const CheckpointContents& contents, const CheckpointOptions& options);

// Collective. Resolves `path`: a checkpoint folder, or a run folder with `pointer` (kLatest or kBest of
// checkpoint/folder.h). Throws DataError on every rank when there is none.
std::string ResolveCheckpoint(dist::Communicator& communicator, const std::string& path,
                              const std::string& pointer);

// A checkpoint whose every byte has been verified; its tensors stay on disk until they are asked for.
struct StoredCheckpoint {
  std::string folder;
  Manifest manifest;  // manifest.digest names the checkpoint

  bool Holds(const std::string& tensor) const;
};

// Collective. Verifies every digest before anything is parsed. DataError: file, field, expected, found; the
// same error on every rank.
StoredCheckpoint OpenCheckpoint(dist::Communicator& communicator, const std::string& folder);

enum class Reading {
  // To score with: rows brought up to date. What stands under kResumeOnly is passed over unless it is listed.
  kModel,
  // To go on training: every tensor of the checkpoint must be listed, and rows are as training left them.
  kResume,
};

// Collective. Reads the tensors of `state` in place, at any number of ranks. DataError naming tensor,
// expected and found, all of them at once, when a tensor is missing, has another shape or type, or is one
// that the model does not know.
void RestoreState(dist::Communicator& communicator, const StoredCheckpoint& checkpoint,
                  const TrainingState& state, Reading reading);

}  // namespace ppr::checkpoint
