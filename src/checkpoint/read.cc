// ResolveCheckpoint and ReadCheckpoint: rank 0 chooses, all verify, each reads its own rows.
#include <ATen/ATen.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "base/nearest_name.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/folder.h"
#include "checkpoint/manifest.h"
#include "checkpoint/reshard.h"
#include "checkpoint/shard.h"
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

// Which row tensors of the manifest to read: those named, or all.
std::vector<TensorRecord> WantedRows(const std::string& folder, const Manifest& manifest,
                                     const std::vector<std::string>& names) {
  const std::vector<TensorRecord>& all = manifest.files[1].tensors;
  if (names.empty()) return all;
  std::vector<TensorRecord> wanted;
  std::vector<std::string> known;
  for (const TensorRecord& tensor : all) known.push_back(tensor.name);
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      throw DataError(folder + ": has no row tensor \"" + name + "\"" + DidYouMean(name, known));
    wanted.push_back(all[static_cast<size_t>(found - known.begin())]);
  }
  return wanted;
}

at::Tensor EmptyRows(const TensorRecord& record, int64_t num_rows) {
  std::vector<int64_t> shape = record.shape;
  shape[0] = num_rows;
  const at::ScalarType dtype = record.dtype == "float32"   ? at::kFloat
                               : record.dtype == "float64" ? at::kDouble
                                                           : at::kLong;
  return at::empty(shape, dtype);
}

// On this rank: its rows at its world size, out of the shards that hold any of them.
std::vector<NamedTensor> ReadRows(const std::string& folder, const Manifest& manifest,
                                  const std::vector<TensorRecord>& wanted, int rank, int world_size) {
  const int64_t num_rows = dist::OwnerMap(manifest.num_items, world_size).num_rows(rank);
  std::vector<NamedTensor> rows;
  for (const TensorRecord& record : wanted) rows.push_back({record.name, EmptyRows(record, num_rows)});
  for (int from_rank = 0; from_rank < manifest.world_size; ++from_rank) {
    const RowProgression common =
        RowsInCommon(manifest.num_items, manifest.world_size, from_rank, world_size, rank);
    if (common.count == 0) continue;
    const FileRecord& shard = manifest.files[static_cast<size_t>(from_rank) + 1];
    const TensorFile file(folder + "/" + shard.name);
    for (NamedTensor& named : rows) {
      const auto record = std::find_if(shard.tensors.begin(), shard.tensors.end(),
                                       [&](const TensorRecord& tensor) { return tensor.name == named.name; });
      file.ReadRows(*record, common, named.tensor);
    }
  }
  return rows;
}

CheckpointContents ContentsOf(const Manifest& manifest) {
  return {.kind = manifest.kind,
          .run_id = manifest.run_id,
          .step = manifest.step,
          .config_json = manifest.config_json,
          .progress_json = manifest.progress_json,
          .dataset_digest = manifest.dataset_digest,
          .parent_digest = manifest.parent_digest,
          .num_items = manifest.num_items};
}

at::Tensor Find(const std::string& folder, const std::vector<NamedTensor>& tensors, const char* kind,
                const std::string& name, at::IntArrayRef shape) {
  std::vector<std::string> known;
  for (const NamedTensor& named : tensors) {
    known.push_back(named.name);
    if (named.name != name) continue;
    if (named.tensor.sizes() == shape) return named.tensor;
    const auto text = [](at::IntArrayRef extents) {
      std::string joined;
      for (const int64_t extent : extents) joined += (joined.empty() ? "" : " x ") + std::to_string(extent);
      return "[" + joined + "]";
    };
    throw DataError(folder + ": " + kind + " tensor \"" + name + "\": expected shape " + text(shape) +
                    ", found " + text(named.tensor.sizes()) +
                    "; the checkpoint is of a model with other settings");
  }
  throw DataError(folder + ": has no " + kind + " tensor \"" + name + "\"" + DidYouMean(name, known));
}

}  // namespace

at::Tensor LoadedCheckpoint::Shared(const std::string& name, at::IntArrayRef shape) const {
  return Find(folder, contents.shared, "shared", name, shape);
}

at::Tensor LoadedCheckpoint::Rows(const std::string& name, at::IntArrayRef shape) const {
  return Find(folder, contents.rows, "row", name, shape);
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

LoadedCheckpoint ReadCheckpoint(dist::Communicator& communicator, const std::string& folder,
                                const std::vector<std::string>& row_names) {
  const std::string place = WithoutSlashes(folder);
  std::string text;
  dist::AgreeOn(communicator, [&] {
    if (communicator.rank() == 0) text = ReadManifestText(place);
  });
  text = dist::BroadcastText(communicator, text);
  Manifest manifest;
  std::vector<TensorRecord> wanted;
  dist::AgreeOn(communicator, [&] {
    manifest = ParseManifest(text, place);
    wanted = WantedRows(place, manifest, row_names);
    if (communicator.rank() == 0) CheckFolder(place, manifest);
  });
  dist::AgreeOn(communicator,
                [&] { VerifyShare(place, manifest, communicator.rank(), communicator.size()); });

  LoadedCheckpoint loaded{.folder = place,
                          .digest = manifest.digest,
                          .written_world_size = manifest.world_size,
                          .contents = ContentsOf(manifest)};
  dist::AgreeOn(communicator, [&] {
    const TensorFile shared(place + "/" + kSharedFile);
    for (const TensorRecord& record : manifest.files[0].tensors)
      loaded.contents.shared.push_back({record.name, shared.Read(record)});
    loaded.contents.rows = ReadRows(place, manifest, wanted, communicator.rank(), communicator.size());
  });
  return loaded;
}

}  // namespace ppr::checkpoint
