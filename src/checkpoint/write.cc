// WriteCheckpoint: every rank writes its own files beside, rank 0 commits them.
#include <sys/statvfs.h>

#include <ATen/ATen.h>

#include <filesystem>
#include <map>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/folder.h"
#include "checkpoint/manifest.h"
#include "checkpoint/shard.h"
#include "checkpoint/sources.h"
#include "dist/agreement.h"
#include "dist/owner_map.h"

#include "base/logging.h"

namespace ppr::checkpoint {

namespace {

// What one file holds: the tensors that are cut so, and beside rows that are made the ones as training left
// them.
TrainingState PartOf(const TrainingState& state, Cut cut) {
  TrainingState part;
  for (const StateTensor& entry : state) {
    if (entry.cut != cut) continue;
    part.push_back(entry);
    if (entry.up_to_date) part.push_back({AtLastStep(entry.name), entry.tensor, cut});
  }
  return part;
}

// Throws BugError for contents that no reader would take.
void CheckContents(const dist::Communicator& communicator, const CheckpointContents& contents,
                   const CheckpointOptions& options) {
  PPR_BUG_IF_NOT(contents.kind == "pretrain" || contents.kind == "tune",
                 "checkpoint: unknown kind \"" + contents.kind + "\"");
  PPR_BUG_IF_NOT(contents.step >= 0, "checkpoint: negative step " + std::to_string(contents.step));
  PPR_BUG_IF_NOT(contents.num_items >= 1, "checkpoint: needs at least one item");
  PPR_BUG_IF_NOT(options.keep >= 2,
                 "checkpoint: keep must be at least 2, found " + std::to_string(options.keep));
  const int64_t num_rows =
      dist::OwnerMap(contents.num_items, communicator.size()).num_rows(communicator.rank());
  std::map<std::string, int> times;
  for (const StateTensor& entry : contents.state) {
    const TensorRecord record = RecordOf(entry);
    PPR_BUG_IF_NOT(++times[record.name] == 1, "checkpoint: two tensors are named " + record.name);
    PPR_BUG_IF_NOT(entry.cut == Cut::kWhole || (!record.shape.empty() && record.shape[0] == num_rows),
                   Format("checkpoint: %s must have %lld rows on rank %d, found %s", record.name.c_str(),
                          static_cast<long long>(num_rows), communicator.rank(),
                          FormText(record.dtype, record.shape).c_str()));
    PPR_BUG_IF_NOT(entry.cut == Cut::kByRows || !entry.up_to_date,
                   "checkpoint: only rows wait for skipped steps, found " + record.name);
  }
}

// What must be the same on all ranks, one line each. progress_json is not: it may hold times; rank 0's is
// written.
std::vector<std::string> CommonLines(const std::string& run_folder, const CheckpointContents& contents) {
  std::vector<std::string> lines{
      "run folder " + run_folder,
      "kind " + contents.kind,
      "run id " + contents.run_id,
      "step " + std::to_string(contents.step),
      "items " + std::to_string(contents.num_items),
      "config " + DigestOfBytes(contents.config_json.data(), contents.config_json.size()),
      "dataset digest " + contents.dataset_digest,
      "parent digest " + contents.parent_digest};
  for (const StateTensor& entry : contents.state) {
    TensorRecord record = RecordOf(entry);
    if (entry.cut == Cut::kByRows) {
      record.shape.erase(record.shape.begin());
      lines.push_back("row tensor " + record.name + " " + FormText(record.dtype, record.shape) +
                      (entry.up_to_date ? " behind" : ""));
    } else {
      lines.push_back("shared tensor " + record.name + " " + FormText(record.dtype, record.shape) +
                      " with digest " +
                      DigestOfBytes(entry.tensor.const_data_ptr(), static_cast<size_t>(record.size_bytes())));
    }
  }
  return lines;
}

// Collective. A shared tensor that has drifted apart is found here, not after the next resume.
void CheckRanksAgree(dist::Communicator& communicator, const std::string& run_folder,
                     const CheckpointContents& contents) {
  std::string text;
  for (const std::string& line : CommonLines(run_folder, contents)) text += line + "\n";
  const std::vector<std::string> texts = dist::AllGatherText(communicator, text);
  for (size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] == texts[0]) continue;
    size_t begin = 0;  // of the first line that differs
    for (size_t i = 0; i < std::min(texts[0].size(), texts[rank].size()) && texts[0][i] == texts[rank][i];
         ++i) {
      if (texts[0][i] == '\n') begin = i + 1;
    }
    const auto line_of = [&](const std::string& whole) {
      return whole.substr(begin, whole.find('\n', begin) - begin);
    };
    throw BugError("checkpoint: ranks disagree: rank 0 has \"" + line_of(texts[0]) + "\", rank " +
                   std::to_string(rank) + " has \"" + line_of(texts[rank]) + "\"; nothing was written");
  }
}

int64_t BytesOf(const TrainingState& tensors) {
  int64_t bytes = StructureBytes(tensors.size());
  for (const StateTensor& named : tensors) bytes += RecordOf(named).size_bytes();
  return bytes;
}

void CheckFreeSpace(const std::string& folder, int64_t needed_bytes) {
  struct statvfs info;
  if (::statvfs(folder.c_str(), &info) != 0)
    throw StorageErrorFromErrno("cannot ask for the free space of", folder);
  const double free_bytes = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
  if (free_bytes < static_cast<double>(needed_bytes)) {
    throw StorageError(
        Format("no space for a checkpoint in %s: expected %s bytes free, found %s; nothing was written",
               folder.c_str(), WithThousands(needed_bytes).c_str(),
               WithThousands(static_cast<long long>(free_bytes)).c_str()));
  }
}

// Collective. The checkpoint's folder under its pending name, empty and with room for all ranks' files.
void PrepareFolder(dist::Communicator& communicator, const CheckpointContents& contents,
                   const std::string& run_folder, const std::string& pending) {
  at::Tensor needed_bytes =
      at::full({1},
               BytesOf(PartOf(contents.state, Cut::kByRows)) +
                   (communicator.rank() == 0 ? BytesOf(PartOf(contents.state, Cut::kWhole)) : 0),
               at::kLong);
  communicator.AllReduce(needed_bytes);
  dist::AgreeOn(communicator, [&] {
    if (communicator.rank() != 0) return;
    const std::string checkpoints = CheckpointsFolder(run_folder);
    CreateFolder(checkpoints);
    SyncFolder(run_folder);  // else a power loss may take the new folder and all that is in it
    RemovePending(checkpoints);
    CheckFreeSpace(checkpoints, *needed_bytes.const_data_ptr<int64_t>());
    CreateFolder(pending);
  });
}

// Collective. Writes this rank's files; returns what rank 0 needs to know of all ranks' files, in manifest
// order.
std::vector<FileRecord> WriteFiles(dist::Communicator& communicator, const CheckpointContents& contents,
                                   const std::string& pending) {
  FileRecord shared, shard;
  dist::AgreeOn(communicator, [&] {
    CreateFolder(pending);  // there already; makes a node with an old view of the file system look again
    if (communicator.rank() == 0)
      shared = WriteTensorFile(pending + "/" + kSharedFile, PartOf(contents.state, Cut::kWhole));
    shard =
        WriteTensorFile(pending + "/" + ShardFile(communicator.rank()), PartOf(contents.state, Cut::kByRows));
    SyncFolder(pending);
  });
  const std::vector<std::string> sizes = dist::AllGatherText(communicator, std::to_string(shard.size_bytes));
  const std::vector<std::string> digests = dist::AllGatherText(communicator, shard.digest);
  std::vector<FileRecord> files{shared};
  const dist::OwnerMap owners(contents.num_items, communicator.size());
  for (int rank = 0; rank < communicator.size(); ++rank) {
    const auto at = static_cast<size_t>(rank);
    files.push_back({ShardFile(rank), std::stoll(sizes[at]), digests[at], shard.tensors});
    for (TensorRecord& tensor : files.back().tensors) tensor.shape[0] = owners.num_rows(rank);
  }
  return files;
}

// On rank 0: from files that are all synced to a checkpoint that LATEST names. Returns the manifest's digest.
std::string Commit(const CheckpointContents& contents, const CheckpointOptions& options, int world_size,
                   std::vector<FileRecord> files, const std::string& checkpoints,
                   const std::string& pending) {
  Manifest manifest{.kind = contents.kind,
                    .run_id = contents.run_id,
                    .step = contents.step,
                    .world_size = world_size,
                    .owner_function = dist::OwnerMap::kName,
                    .num_items = contents.num_items,
                    .config_json = contents.config_json,
                    .progress_json = contents.progress_json,
                    .dataset_digest = contents.dataset_digest,
                    .parent_digest = contents.parent_digest,
                    .files = std::move(files)};
  const std::string text = SealManifest(manifest);
  ParseManifest(text, pending);  // what a reader would refuse is not committed
  WriteFileDurably(pending + "/" + kManifestFile, text);
  const CheckpointName name =
      CommitFolder(checkpoints, pending, {.step = contents.step}, contents.run_id, text);
  // BEST first: a run that ends between the two goes on from the older LATEST and comes by here again. The
  // other way round it would go on from a checkpoint that believes itself the best, and BEST would never move
  // to it.
  if (options.mark_best) WritePointer(checkpoints, kBest, {name.ToText(), manifest.digest});
  WritePointer(checkpoints, kLatest, {name.ToText(), manifest.digest});
  Rotate(checkpoints, contents.run_id, name, options.keep);
  return manifest.digest;
}

void DropPending(const std::string& pending) noexcept {
  std::error_code error;
  std::filesystem::remove_all(pending, error);
  if (error)
    LOG(WARNING) << "cannot remove " << pending << ": " << error.message() << "; the next checkpoint will";
}

}  // namespace

std::string WriteCheckpoint(dist::Communicator& communicator, const std::string& run_folder,
                            const CheckpointContents& contents, const CheckpointOptions& options) {
  dist::AgreeOn(communicator, [&] { CheckContents(communicator, contents, options); });
  CheckRanksAgree(communicator, run_folder, contents);
  const std::string checkpoints = CheckpointsFolder(run_folder);
  const std::string pending =
      checkpoints + "/" + CheckpointName{.step = contents.step}.ToText() + kPendingSuffix;
  PrepareFolder(communicator, contents, run_folder, pending);
  try {
    std::vector<FileRecord> files = WriteFiles(communicator, contents, pending);
    std::string digest;
    dist::AgreeOn(communicator, [&] {
      if (communicator.rank() == 0)
        digest = Commit(contents, options, communicator.size(), std::move(files), checkpoints, pending);
    });
    return dist::BroadcastText(communicator, digest);
  } catch (const CommunicationError&) {
    throw;  // a peer may still be writing; the next checkpoint removes what is left
  } catch (const Error&) {
    if (communicator.rank() == 0) DropPending(pending);
    throw;
  }
}

}  // namespace ppr::checkpoint
