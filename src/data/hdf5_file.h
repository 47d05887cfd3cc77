// The part of HDF5 that a dataset file needs: contiguous arrays, text and integer attributes, every call
// checked.
//
// Files are written with the 1.10 format (checksummed metadata), without object time stamps, so the same
// contents give the same bytes. Errors: StorageError when writing fails, DataError when a file is not what
// the caller expects; both carry the library's own message. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace ppr {
class Hdf5Silence;
}

namespace ppr::data {

enum class ElementType { kUInt8, kInt32, kInt64 };

// The stored type of T: enumerations are stored as their underlying integers.
template <typename T>
constexpr ElementType ElementTypeOf() {
  constexpr bool kEnum = std::is_enum_v<T>;
  if constexpr (kEnum) {
    return ElementTypeOf<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return ElementType::kInt32;
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return ElementType::kInt64;
  } else {
    static_assert(std::is_same_v<T, uint8_t> || std::is_same_v<T, char>,
                  "not an element type of dataset files");
    return ElementType::kUInt8;
  }
}

class Hdf5Writer {
 public:
  // Creates the file, replacing an older one. Its first `user_block_bytes` (a power of two from 512, or 0)
  // are left free.
  Hdf5Writer(const std::string& path, int64_t user_block_bytes);
  ~Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  void CreateGroup(const std::string& name);
  void CreateArray(const std::string& name, ElementType type, const std::vector<int64_t>& shape);
  // Rows [first_row, first_row + num_rows) of an array made by CreateArray.
  void WriteRows(const std::string& name, ElementType type, int64_t first_row, int64_t num_rows,
                 const void* values);
  void WriteText(const std::string& object, const std::string& attribute, const std::string& text);
  void WriteNumber(const std::string& object, const std::string& attribute, uint64_t number);
  // Flushes and closes, with every result checked. The file is not synced to the device yet.
  void Close();

 private:
  std::string path_;
  std::unique_ptr<Hdf5Silence> silence_;
  // An id of HDF5 (hid_t).
  int64_t file_ = -1;
};

class Hdf5Reader {
 public:
  explicit Hdf5Reader(const std::string& path);
  ~Hdf5Reader();
  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;

  // DataError when the array is absent, of another type, not stored contiguously in this very file, or larger
  // than it.
  std::vector<int64_t> ArrayShape(const std::string& name, ElementType type) const;
  void ReadArray(const std::string& name, ElementType type, void* values) const;
  std::string ReadText(const std::string& object, const std::string& attribute) const;
  uint64_t ReadNumber(const std::string& object, const std::string& attribute) const;

 private:
  std::string path_;
  std::unique_ptr<Hdf5Silence> silence_;
  // An id of HDF5 (hid_t).
  int64_t file_ = -1;
};

}  // namespace ppr::data
