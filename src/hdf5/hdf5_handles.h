// HDF5 handles, return codes and error texts: what datasets and checkpoints share of the library. For .cc
// files, since it brings <hdf5.h>.
//
// Owners close in their destructors and log a failure; where a failed close means lost data, Release() the id
// and check. The library prints no error stack of its own while a Hdf5Silence lives; ours goes into the
// exception. A file belongs to one thread.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "base/checked_cast.h"
#include "base/unique_handle.h"

namespace ppr {

// The error stack of the last failed call of this thread as one line: "what (major, minor) in function; ...".
std::string Hdf5ErrorText();
// The innermost part of it alone, for people who never heard of HDF5's calls: "unable to open file".
std::string Hdf5InnermostError();
// "HDF5 <call> failed on <path>: <error stack>".
std::string Hdf5Failure(const char* call, const std::string& path);
void CloseHdf5(hid_t id, herr_t (*close)(hid_t), const char* what) noexcept;

template <herr_t (*kClose)(hid_t)>
struct Hdf5Traits {
  using Type = hid_t;
  static Type Invalid() noexcept { return H5I_INVALID_HID; }
  static void Close(Type id) noexcept { CloseHdf5(id, kClose, "id"); }
};
using Hdf5File = UniqueHandle<Hdf5Traits<H5Fclose>>;
using Hdf5Group = UniqueHandle<Hdf5Traits<H5Gclose>>;
using Hdf5Dataset = UniqueHandle<Hdf5Traits<H5Dclose>>;
using Hdf5Space = UniqueHandle<Hdf5Traits<H5Sclose>>;
using Hdf5Type = UniqueHandle<Hdf5Traits<H5Tclose>>;
using Hdf5Properties = UniqueHandle<Hdf5Traits<H5Pclose>>;
using Hdf5Attribute = UniqueHandle<Hdf5Traits<H5Aclose>>;
using Hdf5Object = UniqueHandle<Hdf5Traits<H5Oclose>>;

// Switches the library's own printing off for this thread. Made before any other call of HDF5: it also keeps
// the library from closing once more at exit what is open, which crashes after a full disk and would hide our
// exit code.
class Hdf5Silence {
 public:
  Hdf5Silence();
  ~Hdf5Silence();
  Hdf5Silence(const Hdf5Silence&) = delete;
  Hdf5Silence& operator=(const Hdf5Silence&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

// `result` unless it means failure; throws ErrorType then. Use through PPR_H5_CHECK.
template <typename ErrorType, typename Result>
Result CheckedHdf5(Result result, const char* call, const std::string& path) {
  static_assert(std::is_same_v<Result, herr_t> || std::is_same_v<Result, hid_t>, "not an HDF5 status or id");
  if (result < 0) throw ErrorType(Hdf5Failure(call, path));
  return result;
}

using Hdf5Extents = std::vector<hsize_t>;

// Dataspace of a tensor; [] is a scalar.
template <typename ErrorType>
Hdf5Space Hdf5SpaceOf(const std::vector<int64_t>& shape, const std::string& path) {
  if (shape.empty()) return Hdf5Space(CheckedHdf5<ErrorType>(H5Screate(H5S_SCALAR), "H5Screate", path));
  const Hdf5Extents extents(shape.begin(), shape.end());
  const int rank = CheckedCast<int>(extents.size(), "tensor dimensions");
  return Hdf5Space(
      CheckedHdf5<ErrorType>(H5Screate_simple(rank, extents.data(), nullptr), "H5Screate_simple", path));
}

// Type of "float32", "float64" or "int64", in a file and, on our machines, in memory. Owned by the library.
hid_t Hdf5TypeOf(const std::string& dtype);

}  // namespace ppr

// Evaluates the HDF5 call once and gives its result; throws ErrorType with call, path and the library's error
// stack.
#define PPR_H5_CHECK(ErrorType, call, path) ::ppr::CheckedHdf5<ErrorType>((call), #call, (path))
