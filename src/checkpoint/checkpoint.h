// Checkpoints that are whole or not there (docs/file-formats.md, docs/contracts.md contract 5).
//
// A checkpoint is a folder run/checkpoints/step_NNNNNNNNNNNN with manifest.json (own digest, digests and
// sizes of all files, W, owner function, config, lineage), shared.h5 (what all ranks hold alike, written by
// rank 0) and one shard_RRRR.h5 a rank (its rows in slot order). Commit protocol: write into step_....tmp,
// close with every return code checked, sync, read back and digest, gather digests on rank 0, manifest, sync
// the folder, rename, sync the parent, replace the pointer file. Any W' reads it, each rank only its own
// rows, each byte verified once before it is parsed.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dist/communicator.h"

namespace ppr::checkpoint {

struct NamedTensor {
  std::string name;   // "dense/values", "items/rows"
  at::Tensor tensor;  // f32, f64 or int64, CPU, contiguous
};

struct CheckpointContents {
  std::string kind;  // "pretrain" or "tune"
  std::string run_id;
  int64_t step = 0;
  std::string config_json;    // model and stage settings, checked by the reader of the stage
  std::string progress_json;  // epoch, data cursor, early-stop state; rank 0's is written
  std::string dataset_digest;
  std::string parent_digest;  // manifest digest of the checkpoint this stage started from; "" for pretrain
  int64_t num_items = 0;      // V
  // The same on all ranks, bit for bit: WriteCheckpoint compares digests and throws BugError when ranks have
  // drifted apart.
  std::vector<NamedTensor> shared;
  // This rank's rows in slot order: dimension 0 is OwnerMap(V, W).num_rows(rank).
  std::vector<NamedTensor> rows;
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

// Collective. Resolves `path`: a checkpoint folder, or a run folder with `pointer` ("LATEST" or "BEST").
// Throws DataError on every rank when there is none.
std::string ResolveCheckpoint(dist::Communicator& communicator, const std::string& path,
                              const std::string& pointer);

struct LoadedCheckpoint {
  std::string folder;
  std::string digest;  // of the manifest
  int written_world_size = 0;
  CheckpointContents contents;  // rows are those of this rank at the reader's W'

  // The tensor of that name; DataError naming folder and tensor when absent or when the shape differs.
  at::Tensor Shared(const std::string& name, at::IntArrayRef shape) const;
  at::Tensor Rows(const std::string& name, at::IntArrayRef shape) const;
  // Frees the tensors once they are copied to where they are used; digest, config and lineage stay.
  void DropTensors() {
    contents.shared.clear();
    contents.rows.clear();
  }
};

// Collective. Verifies every digest before parsing, then reads shared tensors and this rank's rows;
// `row_names` empty means all row tensors (a stage that freezes or restarts moments asks for "items/rows"
// only). DataError: file, field, expected, found; the same error on every rank.
LoadedCheckpoint ReadCheckpoint(dist::Communicator& communicator, const std::string& folder,
                                const std::vector<std::string>& row_names = {});

}  // namespace ppr::checkpoint
