// The folder run/checkpoints: names of checkpoints, the pointer files LATEST and BEST, what to keep and what
// to drop.
//
// Local functions, for rank 0 alone: only one rank looks at listings and pointers, since ranks on several
// nodes may see a shared file system at different moments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "checkpoint/manifest.h"

namespace ppr::checkpoint {

inline constexpr char kLatest[] = "LATEST";
inline constexpr char kBest[] = "BEST";
inline constexpr char kPendingSuffix[] = ".tmp";

std::string CheckpointsFolder(const std::string& run_folder);

// "step_000000000100"; a second checkpoint of a step that a pointer still names is "step_000000000100_2".
struct CheckpointName {
  int64_t step = 0;
  int attempt = 1;

  std::string ToText() const;
  static std::optional<CheckpointName> Parse(const std::string& text);
  auto operator<=>(const CheckpointName&) const = default;
};

// A pointer file's line: "<folder name> <manifest digest>\n".
struct CheckpointPointer {
  std::string name;
  std::string manifest_digest;
};
// Empty when there is no such file; DataError when it is malformed.
std::optional<CheckpointPointer> ReadPointer(const std::string& checkpoints_folder,
                                             const std::string& pointer);
void WritePointer(const std::string& checkpoints_folder, const std::string& pointer,
                  const CheckpointPointer& target);

// Bytes of `folder`/manifest.json. DataError when it is absent, no plain file or longer than any manifest of
// ours.
std::string ReadManifestText(const std::string& folder);

// DataError unless `folder` holds the files of the manifest at their sizes and no others; names that begin
// with a dot are the file system's and are passed over.
void CheckListing(const std::string& folder, const Manifest& manifest);

// Removes what earlier crashes left behind: step_*.tmp.
void RemovePending(const std::string& checkpoints_folder);
// Removes one checkpoint: first its name, then its files, so that no half of it ever goes by its name.
void Discard(const std::string& checkpoint_folder);

// Gives the whole, synced folder `pending` its name and returns that. A checkpoint that a pointer names is
// never replaced: when it is the same to the last byte it stays and `pending` is dropped, else the newcomer
// gets the next attempt's name, as it does beside what is not a checkpoint of `run_id`.
CheckpointName CommitFolder(const std::string& checkpoints_folder, const std::string& pending,
                            const CheckpointName& name, const std::string& run_id,
                            const std::string& manifest_text);

// Drops checkpoints of `run_id` that are neither among the newest `keep` up to `current` nor named by a
// pointer. Newer ones than `current` (a run that went on from an older checkpoint) are left for the step that
// passes them. What cannot be removed is logged: the commit stands.
void Rotate(const std::string& checkpoints_folder, const std::string& run_id, const CheckpointName& current,
            int keep);

}  // namespace ppr::checkpoint
