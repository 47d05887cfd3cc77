#include "data/hdf5_file.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "hdf5/hdf5_handles.h"

#include "base/logging.h"

namespace ppr::data {
namespace {

static_assert(sizeof(hid_t) == sizeof(int64_t));

[[noreturn]] void ThrowWriteError(const std::string& path, const std::string& what) {
  throw StorageError("cannot write " + what + " of " + path + ": HDF5 says: " + Hdf5InnermostError() +
                     ". Is there enough space, and may the folder be written?");
}

[[noreturn]] void ThrowReadError(const std::string& path, const std::string& what) {
  throw DataError("cannot read " + what + " of " + path + ": HDF5 says: " + Hdf5InnermostError() +
                  ". The file is damaged or was not written by ppr prepare: make it again.");
}

hid_t FileTypeOf(ElementType type) {
  switch (type) {
    case ElementType::kUInt8:
      return H5T_STD_U8LE;
    case ElementType::kInt32:
      return H5T_STD_I32LE;
    case ElementType::kInt64:
      return H5T_STD_I64LE;
  }
  ThrowBug("element type", __FILE__, __LINE__, "unknown");
}

hid_t MemoryTypeOf(ElementType type) {
  switch (type) {
    case ElementType::kUInt8:
      return H5T_NATIVE_UINT8;
    case ElementType::kInt32:
      return H5T_NATIVE_INT32;
    case ElementType::kInt64:
      return H5T_NATIVE_INT64;
  }
  ThrowBug("element type", __FILE__, __LINE__, "unknown");
}

const char* NameOf(ElementType type) {
  switch (type) {
    case ElementType::kUInt8:
      return "unsigned 8-bit integers";
    case ElementType::kInt32:
      return "little-endian 32-bit integers";
    case ElementType::kInt64:
      return "little-endian 64-bit integers";
  }
  return "?";
}

// A variable-length UTF-8 string: h5py gives it to Python as str.
Hdf5Type TextType() {
  Hdf5Type type(H5Tcopy(H5T_C_S1));
  if (!type.valid() || H5Tset_size(type.get(), H5T_VARIABLE) < 0 ||
      H5Tset_cset(type.get(), H5T_CSET_UTF8) < 0) {
    throw BugError("HDF5 cannot make a string type: " + Hdf5InnermostError());
  }
  return type;
}

void WriteAttribute(hid_t file, const std::string& path, const std::string& object, const std::string& name,
                    hid_t file_type, hid_t memory_type, const void* value) {
  const std::string what = "attribute " + name + " of " + object;
  Hdf5Object owner(H5Oopen(file, object.c_str(), H5P_DEFAULT));
  if (!owner.valid()) ThrowWriteError(path, what);
  Hdf5Space scalar(H5Screate(H5S_SCALAR));
  if (!scalar.valid()) ThrowWriteError(path, what);
  Hdf5Attribute attribute(
      H5Acreate2(owner.get(), name.c_str(), file_type, scalar.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.valid()) ThrowWriteError(path, what);
  if (H5Awrite(attribute.get(), memory_type, value) < 0) ThrowWriteError(path, what);
  if (H5Aclose(attribute.Release()) < 0) ThrowWriteError(path, what);
}

Hdf5Attribute OpenScalarAttribute(hid_t file, const std::string& path, const std::string& object,
                                  const std::string& name) {
  const std::string what = "attribute " + name + " of " + object;
  Hdf5Attribute attribute(H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.valid()) ThrowReadError(path, what);
  Hdf5Space space(H5Aget_space(attribute.get()));
  if (!space.valid()) ThrowReadError(path, what);
  if (H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) {
    throw DataError(path + ": " + what + ": expected one value, found an array");
  }
  return attribute;
}

}  // namespace

Hdf5Writer::Hdf5Writer(const std::string& path, int64_t user_block_bytes)
    : path_(path), silence_(std::make_unique<Hdf5Silence>()) {
  Hdf5Properties access(H5Pcreate(H5P_FILE_ACCESS));
  if (!access.valid() || H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
      H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI) < 0) {
    ThrowWriteError(path, "the file access properties");
  }
  Hdf5Properties creation(H5Pcreate(H5P_FILE_CREATE));  // also those of the root group
  if (!creation.valid() || H5Pset_obj_track_times(creation.get(), false) < 0 ||
      H5Pset_userblock(creation.get(), static_cast<hsize_t>(user_block_bytes)) < 0) {
    ThrowWriteError(path, "the file creation properties");
  }
  file_ = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get());
  if (file_ < 0) ThrowWriteError(path, "the header");
}

Hdf5Writer::~Hdf5Writer() {
  if (file_ >= 0 && H5Fclose(file_) < 0)
    LOG(ERROR) << "HDF5 could not close " << path_ << ": " << Hdf5InnermostError();
}

void Hdf5Writer::CreateGroup(const std::string& name) {
  Hdf5Properties creation(H5Pcreate(H5P_GROUP_CREATE));
  if (!creation.valid() || H5Pset_obj_track_times(creation.get(), false) < 0)
    ThrowWriteError(path_, "group " + name);
  Hdf5Group group(H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
  if (!group.valid()) ThrowWriteError(path_, "group " + name);
  if (H5Gclose(group.Release()) < 0) ThrowWriteError(path_, "group " + name);
}

void Hdf5Writer::CreateArray(const std::string& name, ElementType type, const std::vector<int64_t>& shape) {
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  Hdf5Space space(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
  Hdf5Properties creation(H5Pcreate(H5P_DATASET_CREATE));
  if (!space.valid() || !creation.valid() || H5Pset_layout(creation.get(), H5D_CONTIGUOUS) < 0 ||
      H5Pset_obj_track_times(creation.get(), false) < 0 ||
      H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER) < 0) {
    ThrowWriteError(path_, "array " + name);
  }
  Hdf5Dataset array(H5Dcreate2(file_, name.c_str(), FileTypeOf(type), space.get(), H5P_DEFAULT,
                               creation.get(), H5P_DEFAULT));
  if (!array.valid()) ThrowWriteError(path_, "array " + name);
  if (H5Dclose(array.Release()) < 0) ThrowWriteError(path_, "array " + name);
}

void Hdf5Writer::WriteRows(const std::string& name, ElementType type, int64_t first_row, int64_t num_rows,
                           const void* values) {
  if (num_rows == 0) return;
  Hdf5Dataset array(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
  if (!array.valid()) ThrowWriteError(path_, "array " + name);
  Hdf5Space space(H5Dget_space(array.get()));
  if (!space.valid()) ThrowWriteError(path_, "array " + name);
  std::array<hsize_t, 4> extent{};
  const int rank = H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr);
  PPR_BUG_IF_NOT(rank >= 1 && rank <= 4, "array " + name + " has rank " + std::to_string(rank));
  std::array<hsize_t, 4> start{}, count = extent;
  start[0] = static_cast<hsize_t>(first_row);
  count[0] = static_cast<hsize_t>(num_rows);
  if (std::find(count.begin(), count.begin() + rank, 0u) != count.begin() + rank)
    return;  // rows without columns
  Hdf5Space rows(H5Screate_simple(rank, count.data(), nullptr));
  if (!rows.valid() ||
      H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) < 0 ||
      H5Dwrite(array.get(), MemoryTypeOf(type), rows.get(), space.get(), H5P_DEFAULT, values) < 0 ||
      H5Dclose(array.Release()) < 0) {
    ThrowWriteError(path_, "array " + name);
  }
}

void Hdf5Writer::WriteText(const std::string& object, const std::string& attribute, const std::string& text) {
  const Hdf5Type type = TextType();
  const char* pointer = text.c_str();
  WriteAttribute(file_, path_, object, attribute, type.get(), type.get(), &pointer);
}

void Hdf5Writer::WriteNumber(const std::string& object, const std::string& attribute, uint64_t number) {
  WriteAttribute(file_, path_, object, attribute, H5T_STD_U64LE, H5T_NATIVE_UINT64, &number);
}

void Hdf5Writer::Close() {
  if (H5Fflush(file_, H5F_SCOPE_GLOBAL) < 0) ThrowWriteError(path_, "the buffered part");
  const hid_t file = std::exchange(file_, H5I_INVALID_HID);
  if (H5Fclose(file) < 0) ThrowWriteError(path_, "the end");
}

Hdf5Reader::Hdf5Reader(const std::string& path) : path_(path), silence_(std::make_unique<Hdf5Silence>()) {
  Hdf5Properties access(H5Pcreate(H5P_FILE_ACCESS));
  if (!access.valid() || H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI) < 0) {
    ThrowReadError(path, "the file access properties");
  }
  file_ = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get());
  if (file_ < 0) ThrowReadError(path, "the header");
}

Hdf5Reader::~Hdf5Reader() {
  if (file_ >= 0 && H5Fclose(file_) < 0)
    LOG(ERROR) << "HDF5 could not close " << path_ << ": " << Hdf5InnermostError();
}

std::vector<int64_t> Hdf5Reader::ArrayShape(const std::string& name, ElementType type) const {
  Hdf5Dataset array(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
  if (!array.valid()) ThrowReadError(path_, "array " + name);
  const Hdf5Type stored(H5Dget_type(array.get()));
  if (!stored.valid()) ThrowReadError(path_, "the type of array " + name);
  if (H5Tequal(stored.get(), FileTypeOf(type)) <= 0) {
    throw DataError(path_ + ": array " + name + ": expected " + NameOf(type) + ", found another type");
  }
  const Hdf5Properties creation(H5Dget_create_plist(array.get()));
  if (!creation.valid()) ThrowReadError(path_, "the layout of array " + name);
  if (H5Pget_layout(creation.get()) != H5D_CONTIGUOUS || H5Pget_external_count(creation.get()) != 0) {
    throw DataError(path_ + ": array " + name +
                    ": expected contiguous storage in this file, found chunked, virtual or " +
                    "external storage");
  }
  const Hdf5Space space(H5Dget_space(array.get()));
  std::array<hsize_t, H5S_MAX_RANK> extent{};
  const int rank = space.valid() ? H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr) : -1;
  hsize_t file_bytes = 0;
  if (rank < 0 || H5Fget_filesize(file_, &file_bytes) < 0)
    ThrowReadError(path_, "the shape of array " + name);
  unsigned __int128 array_bytes = H5Tget_size(stored.get());
  for (int axis = 0; axis < rank && array_bytes <= file_bytes; ++axis) array_bytes *= extent[axis];
  if (array_bytes > file_bytes) {
    throw DataError(path_ + ": array " + name + ": expected at most the " + std::to_string(file_bytes) +
                    " bytes of the file, found a shape that needs more. The file is damaged: make it again.");
  }
  return {extent.begin(), extent.begin() + rank};
}

void Hdf5Reader::ReadArray(const std::string& name, ElementType type, void* values) const {
  Hdf5Dataset array(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
  if (!array.valid()) ThrowReadError(path_, "array " + name);
  if (H5Dread(array.get(), MemoryTypeOf(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
    ThrowReadError(path_, "array " + name);
  }
}

std::string Hdf5Reader::ReadText(const std::string& object, const std::string& attribute_name) const {
  const std::string what = "attribute " + attribute_name + " of " + object;
  const Hdf5Attribute attribute = OpenScalarAttribute(file_, path_, object, attribute_name);
  const Hdf5Type stored(H5Aget_type(attribute.get()));
  if (!stored.valid() || H5Tget_class(stored.get()) != H5T_STRING || H5Tis_variable_str(stored.get()) <= 0) {
    throw DataError(path_ + ": " + what + ": expected variable-length text, found another type");
  }
  const Hdf5Type type = TextType();
  char* text = nullptr;
  if (H5Aread(attribute.get(), type.get(), &text) < 0 || text == nullptr) ThrowReadError(path_, what);
  std::string copy(text);
  if (H5free_memory(text) < 0) ThrowReadError(path_, what);
  return copy;
}

uint64_t Hdf5Reader::ReadNumber(const std::string& object, const std::string& attribute_name) const {
  const std::string what = "attribute " + attribute_name + " of " + object;
  const Hdf5Attribute attribute = OpenScalarAttribute(file_, path_, object, attribute_name);
  const Hdf5Type stored(H5Aget_type(attribute.get()));
  if (!stored.valid() || H5Tequal(stored.get(), H5T_STD_U64LE) <= 0) {
    throw DataError(path_ + ": " + what +
                    ": expected a little-endian unsigned 64-bit integer, found another type");
  }
  uint64_t number = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_UINT64, &number) < 0) ThrowReadError(path_, what);
  return number;
}

}  // namespace ppr::data
