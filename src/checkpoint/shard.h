// One HDF5 file of named tensors: shared.h5 or a shard of a checkpoint. The only door to HDF5 for
// checkpoints.
//
// Layout: HDF5 1.10 format, one contiguous dataset a tensor, little endian, no filters, no times, so that the
// same tensors give the same bytes. Local functions; a file belongs to one thread.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/manifest.h"
#include "checkpoint/reshard.h"
#include "checkpoint/state.h"

namespace ppr::checkpoint {

// An upper bound for what a file holds besides its tensors.
inline int64_t StructureBytes(size_t num_tensors) {
  return (int64_t{1} << 16) + 4096 * static_cast<int64_t>(num_tensors);
}

// Name, dtype and shape of a tensor that can be stored: contiguous f32, f64 or int64 on the CPU, with a name
// of the right form. BugError otherwise.
TensorRecord RecordOf(const StateTensor& tensor);

// Writes the new file `path`, syncs it, reads it back from the device and compares it with the tensors.
// StorageError naming the path and the reason.
//
// HDF5 lays the file out in memory and never touches the disk: a write that fails inside it can end in a
// crash of the process, or in a file that is declared good and reads wrong. Plain system calls write the
// bytes, into space that is reserved before the first of them.
FileRecord WriteTensorFile(const std::string& path, const std::vector<StateTensor>& tensors);

// A file whose digest has been verified, open for reading. DataError when it does not hold what the manifest
// says.
class TensorFile {
 public:
  explicit TensorFile(std::string path);
  ~TensorFile();
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;

  // The whole tensor, into one of the record's dtype and number of entries.
  void ReadInto(const TensorRecord& record, const at::Tensor& tensor) const;
  // The rows of `progression` only, into `rows`, whose other rows are left alone.
  void ReadRows(const TensorRecord& record, const RowProgression& progression, const at::Tensor& rows) const;

 private:
  struct Open;
  std::string path_;
  std::unique_ptr<Open> open_;
};

}  // namespace ppr::checkpoint
