#include "train/checkpoint_shard.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <set>

#include "base/checked_cast.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "train/checkpoint_file_bytes.h"
#include "train/checkpoint_hdf5.h"

namespace ppr::train {

static_assert(std::endian::native == std::endian::little,
              "tensors are written as they lie in memory, little endian");

namespace {

using Extents = std::vector<hsize_t>;

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

at::ScalarType ScalarTypeOf(const std::string& dtype) {
  return dtype == "float32" ? at::kFloat : dtype == "float64" ? at::kDouble : at::kLong;
}

// Owned by the library; not to be closed.
hid_t FileTypeOf(const std::string& dtype) {
  return dtype == "float32" ? H5T_IEEE_F32LE : dtype == "float64" ? H5T_IEEE_F64LE : H5T_STD_I64LE;
}

template <typename ErrorType>
Hdf5Space SpaceOf(const std::vector<int64_t>& shape, const std::string& path) {
  if (shape.empty()) return Hdf5Space(PPR_H5_CHECK(ErrorType, H5Screate(H5S_SCALAR), path));
  const Extents extents(shape.begin(), shape.end());
  const int rank = CheckedCast<int>(extents.size(), "tensor dimensions");
  return Hdf5Space(PPR_H5_CHECK(ErrorType, H5Screate_simple(rank, extents.data(), nullptr), path));
}

// How our files are opened: 1.10 format, a leaked id fails the close, and no lock (NFS and Lustre often have
// none; the commit protocol keeps writers and readers apart).
template <typename ErrorType>
Hdf5Properties FileAccess(const std::string& path) {
  Hdf5Properties access(PPR_H5_CHECK(ErrorType, H5Pcreate(H5P_FILE_ACCESS), path));
  PPR_H5_CHECK(ErrorType, H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), path);
  PPR_H5_CHECK(ErrorType, H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI), path);
#if H5_VERSION_GE(1, 10, 7)
  PPR_H5_CHECK(ErrorType, H5Pset_file_locking(access.get(), /*use=*/false, /*ignore_when_disabled=*/true),
               path);
#endif
  return access;
}

// Objects of ours do not store when they were made: the same tensors give the same bytes.
Hdf5Properties WithoutTimes(hid_t property_class, const std::string& path) {
  Hdf5Properties creation(PPR_H5_CHECK(StorageError, H5Pcreate(property_class), path));
  PPR_H5_CHECK(StorageError, H5Pset_obj_track_times(creation.get(), false), path);
  return creation;
}

Hdf5Properties DatasetCreation(const std::string& path) {
  Hdf5Properties creation = WithoutTimes(H5P_DATASET_CREATE, path);
  PPR_H5_CHECK(StorageError, H5Pset_layout(creation.get(), H5D_CONTIGUOUS), path);
  PPR_H5_CHECK(StorageError, H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY),
               path);  // so that it has a place
  PPR_H5_CHECK(StorageError, H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), path);
  return creation;
}

// Creates the groups that the names call for: "items" for "items/rows".
void CreateGroups(hid_t file, const std::vector<NamedTensor>& tensors, const std::string& path) {
  const Hdf5Properties creation = WithoutTimes(H5P_GROUP_CREATE, path);
  std::set<std::string> groups;  // in order, so that "a" comes before "a/b"
  for (const NamedTensor& named : tensors) {
    for (size_t slash = named.name.find('/'); slash != std::string::npos;
         slash = named.name.find('/', slash + 1)) {
      groups.insert(named.name.substr(0, slash));
    }
  }
  for (const std::string& name : groups) {
    Hdf5Group group(PPR_H5_CHECK(
        StorageError, H5Gcreate2(file, name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), path));
    PPR_H5_CHECK(StorageError, H5Gclose(group.Release()), path);
  }
}

// Creates the file with its datasets, all still without data, and returns where the data belong.
std::vector<FileRegion> LayOutFile(const std::string& path, const std::vector<NamedTensor>& tensors) {
  const Hdf5Properties access = FileAccess<StorageError>(path);
  const Hdf5Properties root = WithoutTimes(H5P_FILE_CREATE, path);
  const Hdf5Properties creation = DatasetCreation(path);
  Hdf5File file(
      PPR_H5_CHECK(StorageError, H5Fcreate(path.c_str(), H5F_ACC_EXCL, root.get(), access.get()), path));
  CreateGroups(file.get(), tensors, path);
  std::vector<FileRegion> regions;
  for (const NamedTensor& named : tensors) {
    const TensorRecord record = RecordOf(named);
    const Hdf5Space space = SpaceOf<StorageError>(record.shape, path);
    Hdf5Dataset dataset(PPR_H5_CHECK(StorageError,
                                     H5Dcreate2(file.get(), record.name.c_str(), FileTypeOf(record.dtype),
                                                space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                                     path));
    if (record.size_bytes() > 0) {
      const haddr_t offset = H5Dget_offset(dataset.get());
      if (offset == HADDR_UNDEF) throw StorageError(Hdf5Failure("H5Dget_offset", path));
      regions.push_back({CheckedCast<int64_t>(offset, "dataset offset"),
                         static_cast<const char*>(named.tensor.const_data_ptr()), record.size_bytes()});
    }
    PPR_H5_CHECK(StorageError, H5Dclose(dataset.Release()), path);
  }
  PPR_H5_CHECK(StorageError, H5Fflush(file.get(), H5F_SCOPE_GLOBAL), path);
  PPR_H5_CHECK(StorageError, H5Fclose(file.Release()), path);
  std::sort(regions.begin(), regions.end(),
            [](const FileRegion& a, const FileRegion& b) { return a.offset_bytes < b.offset_bytes; });
  return regions;
}

[[noreturn]] void RefuseDataset(const std::string& path, const std::string& name,
                                const std::string& problem) {
  throw DataError(path + ": dataset " + name + ": " + problem + "; the file is not what its manifest says");
}

// The dataset of `record`, once it is known to have its type, its shape, and its data inside this very file.
Hdf5Dataset OpenDataset(hid_t file, const TensorRecord& record, const std::string& path) {
  Hdf5Dataset dataset(PPR_H5_CHECK(DataError, H5Dopen2(file, record.name.c_str(), H5P_DEFAULT), path));
  const Hdf5Type type(PPR_H5_CHECK(DataError, H5Dget_type(dataset.get()), path));
  if (PPR_H5_CHECK(DataError, H5Tequal(type.get(), FileTypeOf(record.dtype)), path) == 0) {
    RefuseDataset(path, record.name, "expected type " + record.dtype + ", found another");
  }
  const Hdf5Space space(PPR_H5_CHECK(DataError, H5Dget_space(dataset.get()), path));
  const int rank = PPR_H5_CHECK(DataError, H5Sget_simple_extent_ndims(space.get()), path);
  Extents extents(static_cast<size_t>(rank));
  if (rank > 0)
    PPR_H5_CHECK(DataError, H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), path);
  if (extents != Extents(record.shape.begin(), record.shape.end()))
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
  Extents start(shape.size(), 0);
  Extents steps(shape.size(), 1);
  Extents counts(shape.begin(), shape.end());
  start[0] = static_cast<hsize_t>(first);
  steps[0] = static_cast<hsize_t>(stride);
  counts[0] = static_cast<hsize_t>(count);
  PPR_H5_CHECK(
      DataError,
      H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), steps.data(), counts.data(), nullptr),
      path);
}

}  // namespace

TensorRecord RecordOf(const NamedTensor& named) {
  PPR_BUG_IF_NOT(IsTensorName(named.name), "checkpoint: not a tensor name: \"" + named.name + "\"");
  const at::Tensor& tensor = named.tensor;
  PPR_BUG_IF_NOT(
      tensor.defined() && tensor.is_cpu() && tensor.is_contiguous() && !DtypeOf(tensor).empty(),
      "checkpoint: tensor " + named.name + " must be contiguous float32, float64 or int64 on the CPU");
  return {named.name, DtypeOf(tensor), tensor.sizes().vec()};
}

FileRecord WriteTensorFile(const std::string& path, const std::vector<NamedTensor>& tensors) {
  const Hdf5Silence silence;
  const std::vector<FileRegion> regions = LayOutFile(path, tensors);
  WriteRegions(path, regions);
  const FileDigest found = DigestAndCompare(path, regions);
  FileRecord record;
  record.name = path.substr(path.rfind('/') + 1);
  record.size_bytes = found.size_bytes;
  record.digest = found.digest;
  for (const NamedTensor& named : tensors) record.tensors.push_back(RecordOf(named));
  return record;
}

struct TensorFile::Open {
  Hdf5Silence silence;
  Hdf5File file;
};

TensorFile::TensorFile(std::string path) : path_(std::move(path)), open_(std::make_unique<Open>()) {
  const Hdf5Properties access = FileAccess<DataError>(path_);
  open_->file =
      Hdf5File(PPR_H5_CHECK(DataError, H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), path_));
}

TensorFile::~TensorFile() = default;

at::Tensor TensorFile::Read(const TensorRecord& record) const {
  const Hdf5Dataset dataset = OpenDataset(open_->file.get(), record, path_);
  at::Tensor tensor = at::empty(record.shape, ScalarTypeOf(record.dtype));
  if (tensor.numel() == 0) return tensor;
  PPR_H5_CHECK(DataError,
               H5Dread(dataset.get(), FileTypeOf(record.dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                       tensor.mutable_data_ptr()),
               path_);
  return tensor;
}

void TensorFile::ReadRows(const TensorRecord& record, const RowProgression& progression,
                          const at::Tensor& rows) const {
  const Hdf5Dataset dataset = OpenDataset(open_->file.get(), record, path_);
  if (progression.count == 0 || rows.numel() == 0) return;
  const Hdf5Space in_file = SpaceOf<DataError>(record.shape, path_);
  SelectRows(in_file, record.shape, progression.from_slot, progression.from_stride, progression.count, path_);
  const std::vector<int64_t> shape = rows.sizes().vec();
  const Hdf5Space in_memory = SpaceOf<DataError>(shape, path_);
  SelectRows(in_memory, shape, progression.to_slot, progression.to_stride, progression.count, path_);
  PPR_H5_CHECK(DataError,
               H5Dread(dataset.get(), FileTypeOf(record.dtype), in_memory.get(), in_file.get(), H5P_DEFAULT,
                       rows.mutable_data_ptr()),
               path_);
}

}  // namespace ppr::train
