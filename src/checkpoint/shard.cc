#include "checkpoint/shard.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/errors.h"
#include "checkpoint/file_bytes.h"
#include "checkpoint/layout.h"
#include "hdf5/hdf5_handles.h"

namespace ppr::checkpoint {

namespace {

std::string DtypeOf(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kLong:
      return "int64";
    default:
      return "";
  }
}

// How our files are opened: a leaked id fails the close, and no lock (NFS and Lustre often have none; the
// commit protocol keeps writers and readers apart).
Hdf5File OpenForReading(const std::string& path) {
  const Hdf5Properties access(PPR_H5_CHECK(DataError, H5Pcreate(H5P_FILE_ACCESS), path));
  PPR_H5_CHECK(DataError, H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI), path);
#if H5_VERSION_GE(1, 10, 7)
  PPR_H5_CHECK(DataError, H5Pset_file_locking(access.get(), /*use=*/false, /*ignore_when_disabled=*/true),
               path);
#endif
  return Hdf5File(PPR_H5_CHECK(DataError, H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), path));
}

[[noreturn]] void RefuseDataset(const std::string& path, const std::string& name,
                                const std::string& problem) {
  throw DataError(path + ": dataset " + name + ": " + problem + "; the file is not what its manifest says");
}

// The dataset of `record`, once it is known to have its type, its shape, and its data inside this very file.
Hdf5Dataset OpenDataset(hid_t file, const TensorRecord& record, const std::string& path) {
  Hdf5Dataset dataset(PPR_H5_CHECK(DataError, H5Dopen2(file, record.name.c_str(), H5P_DEFAULT), path));
  const Hdf5Type type(PPR_H5_CHECK(DataError, H5Dget_type(dataset.get()), path));
  if (PPR_H5_CHECK(DataError, H5Tequal(type.get(), Hdf5TypeOf(record.dtype)), path) == 0) {
    RefuseDataset(path, record.name, "expected type " + record.dtype + ", found another");
  }
  const Hdf5Space space(PPR_H5_CHECK(DataError, H5Dget_space(dataset.get()), path));
  const int rank = PPR_H5_CHECK(DataError, H5Sget_simple_extent_ndims(space.get()), path);
  Hdf5Extents extents(static_cast<size_t>(rank));
  if (rank > 0)
    PPR_H5_CHECK(DataError, H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), path);
  if (extents != Hdf5Extents(record.shape.begin(), record.shape.end()))
    RefuseDataset(path, record.name, "its shape is another");
  const Hdf5Properties creation(PPR_H5_CHECK(DataError, H5Dget_create_plist(dataset.get()), path));
  const bool contiguous = H5Pget_layout(creation.get()) == H5D_CONTIGUOUS;
  if (!contiguous || PPR_H5_CHECK(DataError, H5Pget_external_count(creation.get()), path) != 0) {
    RefuseDataset(path, record.name, "expected one contiguous block inside the file");
  }
  return dataset;
}

// Selects `count` rows of a [rows, ...] dataspace.
void SelectRows(const Hdf5Space& space, const std::vector<int64_t>& shape, int64_t first, int64_t stride,
                int64_t count, const std::string& path) {
  Hdf5Extents start(shape.size(), 0);
  Hdf5Extents steps(shape.size(), 1);
  Hdf5Extents counts(shape.begin(), shape.end());
  start[0] = static_cast<hsize_t>(first);
  steps[0] = static_cast<hsize_t>(stride);
  counts[0] = static_cast<hsize_t>(count);
  PPR_H5_CHECK(
      DataError,
      H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), steps.data(), counts.data(), nullptr),
      path);
}

// A file that was just written, as its readers will see it; they would throw DataError, and here that is our
// failure.
void CheckReadable(const std::string& path, const std::vector<TensorRecord>& tensors) {
  const Hdf5Silence silence;
  try {
    const Hdf5File file = OpenForReading(path);
    for (const TensorRecord& record : tensors) OpenDataset(file.get(), record, path);
  } catch (const DataError& error) {
    throw StorageError(std::string("a file just written cannot be read: ") + error.what());
  }
}

}  // namespace

TensorRecord RecordOf(const StateTensor& named) {
  PPR_BUG_IF_NOT(IsTensorName(named.name), "checkpoint: not a tensor name: \"" + named.name + "\"");
  const at::Tensor& tensor = named.tensor;
  PPR_BUG_IF_NOT(
      tensor.defined() && tensor.is_cpu() && tensor.is_contiguous() && !DtypeOf(tensor).empty(),
      "checkpoint: tensor " + named.name + " must be contiguous float32, float64 or int64 on the CPU");
  return {named.name, DtypeOf(tensor), tensor.sizes().vec()};
}

FileRecord WriteTensorFile(const std::string& path, const std::vector<StateTensor>& tensors) {
  int64_t needed_bytes = StructureBytes(tensors.size());
  for (const StateTensor& named : tensors) needed_bytes += RecordOf(named).size_bytes();
  CheckFileSizeLimit(path, needed_bytes);
  const FileImage image = LayOutTensorFile(path, tensors);
  WriteImage(path, image);
  const FileDigest found = DigestAndCompare(path, image);
  FileRecord record;
  record.name = path.substr(path.rfind('/') + 1);
  record.size_bytes = found.size_bytes;
  record.digest = found.digest;
  for (const StateTensor& named : tensors) record.tensors.push_back(RecordOf(named));
  CheckReadable(path, record.tensors);
  return record;
}

struct TensorFile::Open {
  Hdf5Silence silence;
  Hdf5File file;
};

TensorFile::TensorFile(std::string path) : path_(std::move(path)), open_(std::make_unique<Open>()) {
  open_->file = OpenForReading(path_);
}

TensorFile::~TensorFile() = default;

void TensorFile::ReadInto(const TensorRecord& record, const at::Tensor& tensor) const {
  const Hdf5Dataset dataset = OpenDataset(open_->file.get(), record, path_);
  if (tensor.numel() == 0) return;
  PPR_BUG_IF_NOT(static_cast<int64_t>(tensor.nbytes()) == record.size_bytes() && tensor.is_contiguous(),
                 "checkpoint: no room for " + record.name);
  PPR_H5_CHECK(DataError,
               H5Dread(dataset.get(), Hdf5TypeOf(record.dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                       tensor.mutable_data_ptr()),
               path_);
}

void TensorFile::ReadRows(const TensorRecord& record, const RowProgression& progression,
                          const at::Tensor& rows) const {
  const Hdf5Dataset dataset = OpenDataset(open_->file.get(), record, path_);
  if (progression.count == 0 || rows.numel() == 0) return;
  const Hdf5Space in_file = Hdf5SpaceOf<DataError>(record.shape, path_);
  SelectRows(in_file, record.shape, progression.from_slot, progression.from_stride, progression.count, path_);
  const std::vector<int64_t> shape = rows.sizes().vec();
  const Hdf5Space in_memory = Hdf5SpaceOf<DataError>(shape, path_);
  SelectRows(in_memory, shape, progression.to_slot, progression.to_stride, progression.count, path_);
  PPR_H5_CHECK(DataError,
               H5Dread(dataset.get(), Hdf5TypeOf(record.dtype), in_memory.get(), in_file.get(), H5P_DEFAULT,
                       rows.mutable_data_ptr()),
               path_);
}

}  // namespace ppr::checkpoint
