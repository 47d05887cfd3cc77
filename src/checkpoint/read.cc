// ResolveCheckpoint, OpenCheckpoint and RestoreState: rank 0 chooses, all verify, each reads its own rows.
#include <ATen/ATen.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/folder.h"
#include "checkpoint/manifest.h"
#include "checkpoint/reshard.h"
#include "checkpoint/shard.h"
#include "checkpoint/sources.h"
#include "dist/agreement.h"
#include "dist/owner_map.h"

namespace ppr::checkpoint {

namespace {

// The path without slashes at its end, so that its last name can be looked at.
std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string LastName(const std::string& path) { return std::filesystem::path(path).filename().string(); }

// On rank 0: the folder that `path` and `pointer` mean.
std::string FolderOf(const std::string& path, const std::string& pointer) {
  if (FileExists(path + "/" + kManifestFile)) {
    if (path.ends_with(kPendingSuffix))
      throw DataError(path + ": was never committed; expected a checkpoint that is whole. Take another one");
    return path;
  }
  const std::string checkpoints = CheckpointsFolder(path);
  const auto target = ReadPointer(checkpoints, pointer);
  if (!target) {
    throw DataError("no checkpoint at " + path + ": expected a checkpoint folder with " + kManifestFile +
                    " or a run folder with checkpoints/" + pointer + ", found neither");
  }
  const std::string folder = checkpoints + "/" + target->name;
  if (!FileExists(folder)) {
    throw DataError(checkpoints + "/" + pointer + ": names " + target->name +
                    ", which is not there; name a checkpoint folder instead");
  }
  const std::string found = ParseManifest(ReadManifestText(folder), folder).digest;
  if (found != target->manifest_digest) {
    throw DataError(checkpoints + "/" + pointer + ": expected " + target->name + " to have manifest digest " +
                    target->manifest_digest + ", found " + found +
                    "; one of the two was altered: name a checkpoint folder instead");
  }
  return folder;
}

// On rank 0: what can be told from names and sizes alone.
void CheckFolder(const std::string& folder, const Manifest& manifest) {
  const auto name = CheckpointName::Parse(LastName(folder));
  if (name && name->step != manifest.step) {
    throw DataError(folder + "/" + kManifestFile + ": field \"step\": expected " +
                    std::to_string(name->step) + " as the folder's name says, found " +
                    std::to_string(manifest.step) + "; the folder was renamed");
  }
  CheckListing(folder, manifest);
}

// On this rank: digests of its share of the files. Nothing has been parsed yet.
void VerifyShare(const std::string& folder, const Manifest& manifest, int rank, int world_size) {
  for (size_t i = static_cast<size_t>(rank); i < manifest.files.size();
       i += static_cast<size_t>(world_size)) {
    const FileRecord& file = manifest.files[i];
    const std::string path = folder + "/" + file.name;
    size_t size_bytes = 0;
    const std::string found = DigestOfFile(path, &size_bytes);
    if (static_cast<int64_t>(size_bytes) != file.size_bytes) {
      throw DataError(path + ": expected " + std::to_string(file.size_bytes) + " bytes, found " +
                      std::to_string(size_bytes));
    }
    if (found != file.digest) {
      throw DataError(path + ": expected digest " + file.digest + ", found " + found +
                      "; the file was altered, take another checkpoint");
    }
  }
}

// Reads a tensor that all ranks hold whole, where it lies.
void ReadWhole(const TensorFile& file, const Source& source, const at::Tensor& into) {
  if (source.first_entry < 0) return file.ReadInto(source.record, into);
  file.ReadRows(source.record, {.count = into.numel(), .from_slot = source.first_entry},
                into.view({into.numel()}));
}

// On this rank: its rows at its world size, out of the shards that hold any of them.
void ReadAllRows(const StoredCheckpoint& checkpoint, const TrainingState& state,
                 const std::vector<Source>& sources, int rank, int world_size) {
  const Manifest& manifest = checkpoint.manifest;
  for (int from_rank = 0; from_rank < manifest.world_size; ++from_rank) {
    const RowProgression common =
        RowsInCommon(manifest.num_items, manifest.world_size, from_rank, world_size, rank);
    if (common.count == 0) continue;
    const FileRecord& shard = manifest.files[static_cast<size_t>(from_rank) + 1];
    const TensorFile file(checkpoint.folder + "/" + shard.name);
    for (size_t i = 0; i < state.size(); ++i) {
      if (state[i].cut != Cut::kByRows) continue;
      const auto record =
          std::find_if(shard.tensors.begin(), shard.tensors.end(),
                       [&](const TensorRecord& tensor) { return tensor.name == sources[i].record.name; });
      file.ReadRows(*record, common, state[i].tensor);
    }
  }
}

// A reader's shards are of the checkpoint's items, or its rows would be mixed up.
void CheckRows(const StoredCheckpoint& checkpoint, const TrainingState& state, int64_t num_rows) {
  for (const StateTensor& entry : state) {
    PPR_BUG_IF_NOT(entry.cut == Cut::kWhole || entry.tensor.size(0) == num_rows,
                   checkpoint.folder + ": tensor " + entry.name + " is not of this rank's shard");
  }
}

}  // namespace

bool StoredCheckpoint::Holds(const std::string& tensor) const {
  for (const size_t file : {0, 1}) {
    for (const TensorRecord& record : manifest.files[file].tensors) {
      if (record.name == tensor) return true;
    }
  }
  return false;
}

std::string ResolveCheckpoint(dist::Communicator& communicator, const std::string& path,
                              const std::string& pointer) {
  PPR_BUG_IF_NOT(pointer == kLatest || pointer == kBest, "no pointer file is named \"" + pointer + "\"");
  std::string folder;
  dist::AgreeOn(communicator, [&] {
    if (communicator.rank() == 0) folder = FolderOf(WithoutSlashes(path), pointer);
  });
  return dist::BroadcastText(communicator, folder);
}

StoredCheckpoint OpenCheckpoint(dist::Communicator& communicator, const std::string& folder) {
  StoredCheckpoint checkpoint{.folder = WithoutSlashes(folder), .manifest = {}};
  const std::string& place = checkpoint.folder;
  std::string text;
  dist::AgreeOn(communicator, [&] {
    if (communicator.rank() == 0) text = ReadManifestText(place);
  });
  text = dist::BroadcastText(communicator, text);
  dist::AgreeOn(communicator, [&] {
    checkpoint.manifest = ParseManifest(text, place);
    if (communicator.rank() == 0) CheckFolder(place, checkpoint.manifest);
  });
  dist::AgreeOn(communicator,
                [&] { VerifyShare(place, checkpoint.manifest, communicator.rank(), communicator.size()); });
  return checkpoint;
}

void RestoreState(dist::Communicator& communicator, const StoredCheckpoint& checkpoint,
                  const TrainingState& state, Reading reading) {
  std::vector<Source> sources;
  dist::AgreeOn(communicator, [&] {
    sources = FindSources(checkpoint, state, reading);
    CheckRows(
        checkpoint, state,
        dist::OwnerMap(checkpoint.manifest.num_items, communicator.size()).num_rows(communicator.rank()));
  });
  dist::AgreeOn(communicator, [&] {
    const TensorFile shared(checkpoint.folder + "/" + kSharedFile);
    for (size_t i = 0; i < state.size(); ++i) {
      if (state[i].cut == Cut::kWhole) ReadWhole(shared, sources[i], state[i].tensor);
    }
    ReadAllRows(checkpoint, state, sources, communicator.rank(), communicator.size());
  });
}

}  // namespace ppr::checkpoint
