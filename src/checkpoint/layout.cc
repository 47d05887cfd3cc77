#include "checkpoint/layout.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>

#include "base/errors.h"
#include "checkpoint/shard.h"
#include "hdf5/hdf5_handles.h"

namespace ppr::checkpoint {

namespace {

// The memory in which HDF5's core driver builds the file, taken over when the driver closes the file and
// would free it. It ends behind the last structure: datasets have places in the file but are not written.
struct CoreMemory {
  struct Free {
    void operator()(void* bytes) const noexcept { std::free(bytes); }
  };
  size_t size_bytes = 0;
  std::unique_ptr<void, Free> kept;
};

void* ResizeCore(void* bytes, size_t size_bytes, H5FD_file_image_op_t /*operation*/, void* memory_pointer) {
  auto& memory = *static_cast<CoreMemory*>(memory_pointer);
  void* resized = std::realloc(bytes, size_bytes);
  if (resized == nullptr) return nullptr;
  if (size_bytes > memory.size_bytes) {  // unused structure is zeros: the same tensors give the same bytes
    std::memset(static_cast<char*>(resized) + memory.size_bytes, 0, size_bytes - memory.size_bytes);
  }
  memory.size_bytes = size_bytes;
  return resized;
}

herr_t FreeCore(void* bytes, H5FD_file_image_op_t operation, void* memory_pointer) {
  std::unique_ptr<void, CoreMemory::Free> owned(bytes);
  if (operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE)
    static_cast<CoreMemory*>(memory_pointer)->kept = std::move(owned);
  return 0;
}

void* ShareCore(void* memory_pointer) { return memory_pointer; }
herr_t UnshareCore(void* /*memory_pointer*/) { return 0; }

// HDF5 1.10 format in `memory`; a leaked id fails the close; all structure in one block ahead of the tensors.
Hdf5Properties InMemory(CoreMemory* memory, size_t num_objects, const std::string& path) {
  constexpr size_t kIncrementBytes = 1;      // no rounding: the memory never ends behind the file
  constexpr hsize_t kFixedBytes = 512;       // superblock and root
  constexpr hsize_t kBytesPerObject = 1024;  // header and links of a group or dataset
  Hdf5Properties access(PPR_H5_CHECK(StorageError, H5Pcreate(H5P_FILE_ACCESS), path));
  PPR_H5_CHECK(StorageError, H5Pset_fapl_core(access.get(), kIncrementBytes, /*backing_store=*/false), path);
  H5FD_file_image_callbacks_t callbacks{nullptr,   nullptr,     ResizeCore, FreeCore,
                                        ShareCore, UnshareCore, memory};
  PPR_H5_CHECK(StorageError, H5Pset_file_image_callbacks(access.get(), &callbacks), path);
  PPR_H5_CHECK(StorageError, H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), path);
  PPR_H5_CHECK(StorageError, H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI), path);
  PPR_H5_CHECK(StorageError,
               H5Pset_meta_block_size(access.get(), kFixedBytes + kBytesPerObject * num_objects), path);
  PPR_H5_CHECK(StorageError, H5Pset_small_data_block_size(access.get(), 0), path);  // no room kept for more
  return access;
}

// Objects of ours do not store when they were made: the same tensors give the same bytes.
Hdf5Properties WithoutTimes(hid_t property_class, const std::string& path) {
  Hdf5Properties creation(PPR_H5_CHECK(StorageError, H5Pcreate(property_class), path));
  PPR_H5_CHECK(StorageError, H5Pset_obj_track_times(creation.get(), false), path);
  return creation;
}

// One block, given its place when the dataset is made, and never filled by the library.
Hdf5Properties DatasetCreation(const std::string& path) {
  Hdf5Properties creation = WithoutTimes(H5P_DATASET_CREATE, path);
  PPR_H5_CHECK(StorageError, H5Pset_layout(creation.get(), H5D_CONTIGUOUS), path);
  PPR_H5_CHECK(StorageError, H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), path);
  PPR_H5_CHECK(StorageError, H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), path);
  return creation;
}

// The groups that the names call for, outer ones first: "items" for "items/rows".
std::set<std::string> GroupsOf(const std::vector<StateTensor>& tensors) {
  std::set<std::string> groups;
  for (const StateTensor& named : tensors) {
    for (size_t slash = named.name.find('/'); slash != std::string::npos;
         slash = named.name.find('/', slash + 1)) {
      groups.insert(named.name.substr(0, slash));
    }
  }
  return groups;
}

// Any run of the bytes of a tensor whose rows are made as they are written.
std::function<void(int64_t, int64_t, char*)> BytesUpToDate(const StateTensor& named,
                                                           const TensorRecord& record) {
  const int64_t row_bytes = record.size_bytes() / record.shape[0];
  return [&named, row_bytes](int64_t first, int64_t count, char* to) {
    const int64_t first_row = first / row_bytes;
    const int64_t end_row = (first + count + row_bytes - 1) / row_bytes;
    std::vector<int64_t> shape = named.tensor.sizes().vec();
    shape[0] = end_row - first_row;
    const at::Tensor rows = at::empty(shape, named.tensor.options());
    named.up_to_date(first_row, rows);
    std::memcpy(to, static_cast<const char*>(rows.const_data_ptr()) + (first - first_row * row_bytes),
                static_cast<size_t>(count));
  };
}

// Creates the dataset of a tensor and adds its place to `regions`.
void PlaceTensor(hid_t file, const StateTensor& named, const Hdf5Properties& creation,
                 const std::string& path, std::vector<FileRegion>* regions) {
  const TensorRecord record = RecordOf(named);
  const Hdf5Space space = Hdf5SpaceOf<StorageError>(record.shape, path);
  Hdf5Dataset dataset(PPR_H5_CHECK(StorageError,
                                   H5Dcreate2(file, record.name.c_str(), Hdf5TypeOf(record.dtype),
                                              space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                                   path));
  if (record.size_bytes() > 0) {
    const haddr_t offset = H5Dget_offset(dataset.get());
    if (offset == HADDR_UNDEF) throw StorageError(Hdf5Failure("H5Dget_offset", path));
    FileRegion region{CheckedCast<int64_t>(offset, "dataset offset"), nullptr, record.size_bytes()};
    if (named.up_to_date) {
      region.make = BytesUpToDate(named, record);
    } else {
      region.bytes = static_cast<const char*>(named.tensor.const_data_ptr());
    }
    regions->push_back(std::move(region));
  }
  PPR_H5_CHECK(StorageError, H5Dclose(dataset.Release()), path);
}

// Every byte of a file of `size_bytes`: the tensors, and between them what `structure` holds there.
FileImage ImageOf(std::vector<char> structure, std::vector<FileRegion> tensors, int64_t size_bytes) {
  std::sort(tensors.begin(), tensors.end(),
            [](const FileRegion& a, const FileRegion& b) { return a.offset_bytes < b.offset_bytes; });
  tensors.push_back({size_bytes, nullptr, 0});  // the end of the file
  std::vector<FileRegion> regions;
  int64_t end = 0;  // of what the regions cover
  for (const FileRegion& tensor : tensors) {
    PPR_BUG_IF_NOT(tensor.offset_bytes >= end, "HDF5 placed two tensors upon each other");
    if (tensor.offset_bytes > end) {
      const auto needed_bytes = static_cast<size_t>(tensor.offset_bytes);
      if (structure.size() < needed_bytes)
        structure.resize(needed_bytes);  // places that HDF5 never wrote: zeros
      regions.push_back({end, nullptr, tensor.offset_bytes - end});
    }
    if (tensor.size_bytes > 0) regions.push_back(tensor);
    end = tensor.offset_bytes + tensor.size_bytes;
  }
  for (FileRegion& region : regions) {
    if (region.bytes == nullptr && !region.make) region.bytes = structure.data() + region.offset_bytes;
  }
  return {std::move(structure), std::move(regions)};
}

}  // namespace

FileImage LayOutTensorFile(const std::string& path, const std::vector<StateTensor>& tensors) {
  const Hdf5Silence silence;
  const std::set<std::string> groups = GroupsOf(tensors);
  CoreMemory memory;
  std::vector<FileRegion> places;
  hsize_t size_bytes = 0;
  {
    const Hdf5Properties access = InMemory(&memory, groups.size() + tensors.size(), path);
    const Hdf5Properties root = WithoutTimes(H5P_FILE_CREATE, path);
    const Hdf5Properties group_creation = WithoutTimes(H5P_GROUP_CREATE, path);
    const Hdf5Properties dataset_creation = DatasetCreation(path);
    Hdf5File file(
        PPR_H5_CHECK(StorageError, H5Fcreate(path.c_str(), H5F_ACC_EXCL, root.get(), access.get()), path));
    for (const std::string& name : groups) {
      Hdf5Group group(PPR_H5_CHECK(
          StorageError, H5Gcreate2(file.get(), name.c_str(), H5P_DEFAULT, group_creation.get(), H5P_DEFAULT),
          path));
      PPR_H5_CHECK(StorageError, H5Gclose(group.Release()), path);
    }
    for (const StateTensor& named : tensors) PlaceTensor(file.get(), named, dataset_creation, path, &places);
    PPR_H5_CHECK(StorageError, H5Fget_filesize(file.get(), &size_bytes), path);
    PPR_H5_CHECK(StorageError, H5Fclose(file.Release()), path);
  }
  const auto* structure = static_cast<const char*>(memory.kept.get());
  return ImageOf({structure, structure + memory.size_bytes}, std::move(places),
                 CheckedCast<int64_t>(size_bytes, "file size"));
}

}  // namespace ppr::checkpoint
