#include "hdf5/hdf5_handles.h"

#include <bit>

#include "base/logging.h"

namespace ppr {

static_assert(std::endian::native == std::endian::little,
              "tensors are stored as they lie in memory, little endian");

namespace {

herr_t AppendError(unsigned /*place*/, const H5E_error2_t* error, void* text_pointer) {
  constexpr size_t kMessageBytes = 128;
  char major[kMessageBytes] = "?";
  char minor[kMessageBytes] = "?";
  H5Eget_msg(error->maj_num, nullptr, major, kMessageBytes);  // a missing message leaves the "?"
  H5Eget_msg(error->min_num, nullptr, minor, kMessageBytes);
  auto& text = *static_cast<std::string*>(text_pointer);
  if (!text.empty()) text += "; ";
  text += std::string(error->desc) + " (" + major + ", " + minor + ") in " + error->func_name;
  return 0;
}

herr_t KeepInnermost(unsigned place, const H5E_error2_t* error, void* text) {
  if (place == 0) *static_cast<std::string*>(text) = error->desc != nullptr ? error->desc : "no description";
  return 0;
}

}  // namespace

std::string Hdf5InnermostError() {
  std::string text = "no message";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, KeepInnermost, &text);  // a failure leaves the text
  return text;
}

std::string Hdf5ErrorText() {
  std::string text;
  const herr_t walked = H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, AppendError, &text);
  return walked < 0 || text.empty() ? "the library gives no reason" : text;
}

std::string Hdf5Failure(const char* call, const std::string& path) {
  return std::string("HDF5 ") + call + " failed on " + path + ": " + Hdf5ErrorText();
}

void CloseHdf5(hid_t id, herr_t (*close)(hid_t), const char* what) noexcept {
  if (close(id) < 0) LOG(ERROR) << "closing an HDF5 " << what << " failed: " << Hdf5ErrorText();
}

hid_t Hdf5TypeOf(const std::string& dtype) {
  return dtype == "float32" ? H5T_IEEE_F32LE : dtype == "float64" ? H5T_IEEE_F64LE : H5T_STD_I64LE;
}

Hdf5Silence::Hdf5Silence() {
  H5dont_atexit();  // fails harmlessly when it was called before
  if (H5Eget_auto2(H5E_DEFAULT, &function_, &data_) < 0 || H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) < 0) {
    LOG(WARNING) << "HDF5 keeps printing its errors: its error handler cannot be set";
  }
}

Hdf5Silence::~Hdf5Silence() {
  if (H5Eset_auto2(H5E_DEFAULT, function_, data_) < 0)
    LOG(WARNING) << "HDF5's error handler cannot be put back";
}

}  // namespace ppr
