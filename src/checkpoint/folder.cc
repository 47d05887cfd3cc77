#include "checkpoint/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <set>
#include <vector>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"

#include "base/logging.h"

namespace ppr::checkpoint {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestManifestBytes = int64_t{1} << 24;
constexpr int64_t kLargestPointerBytes = 256;
constexpr char kDiscardedSuffix[] = ".discarded.tmp";
constexpr std::string_view kNamePrefix = "step_";
constexpr size_t kStepDigits = 12;

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A small plain file as bytes; DataError when it is not one. Looks before it opens: opening a pipe would wait
// for ever.
std::string ReadPlainFile(const std::string& path, int64_t largest_bytes) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    const bool absent = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    if (absent)
      throw DataError(path + ": expected a file, found none (" + StorageErrorFromErrno("stat", path).what() +
                      ")");
    throw StorageErrorFromErrno("cannot examine", path);
  }
  if (!S_ISREG(info.st_mode))
    throw DataError(path + ": expected a plain file, found a folder, device or pipe");
  if (info.st_size > largest_bytes) {
    throw DataError(Format("%s: expected at most %lld bytes, found %lld", path.c_str(),
                           static_cast<long long>(largest_bytes), static_cast<long long>(info.st_size)));
  }
  return ReadWholeFile(path);
}

// Names in `folder`; StorageError when it cannot be listed.
std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) throw StorageError("cannot list folder " + folder + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

bool IsRealFolder(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void RemoveTree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw StorageError("cannot remove " + path + ": " + error.message());
}

// Names that a pointer protects.
std::set<std::string> PointedAt(const std::string& checkpoints_folder) {
  std::set<std::string> names;
  for (const char* pointer : {kLatest, kBest}) {
    if (const auto target = ReadPointer(checkpoints_folder, pointer)) names.insert(target->name);
  }
  return names;
}

// Whether `folder` is a checkpoint of this run: other people's folders are none of our business.
bool IsOfRun(const std::string& folder, const std::string& run_id) {
  try {
    return IsRealFolder(folder) && ParseManifest(ReadManifestText(folder), folder).run_id == run_id;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::string CheckpointsFolder(const std::string& run_folder) { return run_folder + "/checkpoints"; }

std::string CheckpointName::ToText() const {
  const std::string text = Format("step_%012lld", static_cast<long long>(step));
  return attempt == 1 ? text : text + "_" + std::to_string(attempt);
}

std::optional<CheckpointName> CheckpointName::Parse(const std::string& text) {
  if (!text.starts_with(kNamePrefix)) return std::nullopt;
  const std::string_view rest = std::string_view(text).substr(kNamePrefix.size());
  const size_t digits = std::min(rest.find('_'), rest.size());
  CheckpointName name;
  const std::string_view step = rest.substr(0, digits);
  if (digits < kStepDigits || !AllDigits(step)) return std::nullopt;
  if (std::from_chars(step.begin(), step.end(), name.step).ec != std::errc()) return std::nullopt;
  if (digits < rest.size()) {
    const std::string_view attempt = rest.substr(digits + 1);
    if (!AllDigits(attempt) ||
        std::from_chars(attempt.begin(), attempt.end(), name.attempt).ec != std::errc())
      return std::nullopt;
  }
  return name.ToText() == text ? std::optional(name) : std::nullopt;  // no second spelling of a name
}

std::optional<CheckpointPointer> ReadPointer(const std::string& checkpoints_folder,
                                             const std::string& pointer) {
  const std::string path = checkpoints_folder + "/" + pointer;
  if (!FileExists(path)) return std::nullopt;
  const std::string line = ReadPlainFile(path, kLargestPointerBytes);
  const size_t space = line.find(' ');
  constexpr size_t kDigestDigits = 32;
  const bool formed = space != std::string::npos && line.size() == space + kDigestDigits + 2 &&
                      line.back() == '\n' &&
                      line.find_first_not_of("0123456789abcdef", space + 1) == line.size() - 1 &&
                      CheckpointName::Parse(line.substr(0, space)).has_value();
  if (!formed) {
    throw DataError(path +
                    ": expected one line with a checkpoint's name and its manifest's digest, found \"" +
                    line.substr(0, 60) + "\"; the file was altered: name a checkpoint folder instead");
  }
  return CheckpointPointer{line.substr(0, space), line.substr(space + 1, kDigestDigits)};
}

void WritePointer(const std::string& checkpoints_folder, const std::string& pointer,
                  const CheckpointPointer& target) {
  WriteFileDurably(checkpoints_folder + "/" + pointer, target.name + " " + target.manifest_digest + "\n");
}

std::string ReadManifestText(const std::string& folder) {
  return ReadPlainFile(folder + "/" + kManifestFile, kLargestManifestBytes);
}

void CheckListing(const std::string& folder, const Manifest& manifest) {
  std::set<std::string> expected{kManifestFile};
  for (const FileRecord& file : manifest.files) {
    expected.insert(file.name);
    const std::string path = folder + "/" + file.name;
    struct stat info;
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
      throw DataError(path + ": expected a file of " + std::to_string(file.size_bytes) +
                      " bytes, found none");
    }
    if (info.st_size != file.size_bytes) {
      throw DataError(path + ": expected " + std::to_string(file.size_bytes) + " bytes, found " +
                      std::to_string(info.st_size));
    }
  }
  for (const std::string& name : NamesIn(folder)) {
    if (name.starts_with('.') || expected.contains(name)) continue;
    throw DataError(folder + "/" + name + ": is not in " + kManifestFile +
                    "; expected only the files that it names. Move it elsewhere");
  }
}

void RemovePending(const std::string& checkpoints_folder) {
  for (const std::string& name : NamesIn(checkpoints_folder)) {
    std::string_view stem = name;
    for (const std::string_view suffix :
         {std::string_view(kDiscardedSuffix), std::string_view(kPendingSuffix)}) {
      if (stem.ends_with(suffix)) stem.remove_suffix(suffix.size());
    }
    const std::string path = checkpoints_folder + "/" + name;
    if (stem.size() == name.size() || !CheckpointName::Parse(std::string(stem)) || !IsRealFolder(path))
      continue;
    LOG(WARNING) << "removing " << path << ": a checkpoint that an earlier run did not finish";
    RemoveTree(path);
  }
}

void Discard(const std::string& checkpoint_folder) {
  const std::string discarded = checkpoint_folder + kDiscardedSuffix;
  RenameDurably(checkpoint_folder, discarded);
  RemoveTree(discarded);
}

CheckpointName CommitFolder(const std::string& checkpoints_folder, const std::string& pending,
                            const CheckpointName& name, const std::string& run_id,
                            const std::string& manifest_text) {
  const std::set<std::string> pointed_at = PointedAt(checkpoints_folder);
  CheckpointName free = name;
  for (;; ++free.attempt) {
    const std::string folder = checkpoints_folder + "/" + free.ToText();
    if (!FileExists(folder)) break;
    if (!IsOfRun(folder, run_id)) continue;
    if (!pointed_at.contains(free.ToText())) {
      Discard(folder);
      break;
    }
    if (ReadManifestText(folder) == manifest_text) {
      RemoveTree(pending);
      return free;
    }
  }
  RenameDurably(pending, checkpoints_folder + "/" + free.ToText());
  return free;
}

void Rotate(const std::string& checkpoints_folder, const std::string& run_id, const CheckpointName& current,
            int keep) {
  try {
    const std::set<std::string> pointed_at = PointedAt(checkpoints_folder);
    std::vector<CheckpointName> ours;
    for (const std::string& text : NamesIn(checkpoints_folder)) {
      const auto name = CheckpointName::Parse(text);
      if (name && *name <= current && IsOfRun(checkpoints_folder + "/" + text, run_id)) ours.push_back(*name);
    }
    std::sort(ours.rbegin(), ours.rend());
    for (size_t i = static_cast<size_t>(keep); i < ours.size(); ++i) {
      if (!pointed_at.contains(ours[i].ToText())) Discard(checkpoints_folder + "/" + ours[i].ToText());
    }
  } catch (const Error& error) {
    LOG(WARNING) << "older checkpoints were kept: " << error.what();
  }
}

}  // namespace ppr::checkpoint
