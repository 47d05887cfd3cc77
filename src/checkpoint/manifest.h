// manifest.json of a checkpoint: what was written, by whom, from what, and the digests that prove it
// (docs/file-formats.md, "Checkpoints"). Format version 2; version 1 is read too (checkpoint/format_1.h): the
// manifests differ in nothing but the number, the tensors in their names. DO NOT CHANGE what a field means
// without a new version.
//
// The text is canonical (sorted keys, two-space indent, one line feed at the end), so that a reader refuses
// every byte that the writer did not write. Plain values; local functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ppr::checkpoint {

inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr char kSharedFile[] = "shared.h5";
std::string ShardFile(int rank);  // "shard_0003.h5"

struct TensorRecord {
  std::string name;            // also the path of the dataset in the file
  std::string dtype;           // "float32", "float64" or "int64", little endian
  std::vector<int64_t> shape;  // [] is a scalar

  int64_t size_bytes() const;
};

struct FileRecord {
  std::string name;
  int64_t size_bytes = 0;
  std::string digest;  // XXH3-128 of all bytes
  std::vector<TensorRecord> tensors;
};

struct Manifest {
  int version = 2;
  std::string kind;
  std::string run_id;
  int64_t step = 0;
  int world_size = 0;
  std::string owner_function;
  int64_t num_items = 0;
  std::string config_json, progress_json;  // JSON objects
  std::string dataset_digest, parent_digest;
  std::vector<FileRecord> files;  // shared.h5, then the shards by rank
  std::string digest;             // XXH3-128 of the canonical text without this field
};

// Sets manifest.digest and returns the text of the file. Throws BugError when a JSON text is no object.
std::string SealManifest(Manifest& manifest);

// The manifest of `folder` from its bytes. DataError naming folder, field, expected and found on anything
// that SealManifest would not have written.
Manifest ParseManifest(const std::string& text, const std::string& folder);

// "items/rows": parts of letters, digits, '_', '-' and '.', parted by single slashes, none of them "." or
// "..".
bool IsTensorName(const std::string& name);

}  // namespace ppr::checkpoint
