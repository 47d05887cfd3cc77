#include "dist/mpi/mpi_check.h"

#include <exception>

#include "base/errors.h"
#include "base/text_format.h"

#include "base/logging.h"

namespace ppr::dist {

std::string MpiErrorText(int code) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) return Format("unknown MPI error %d", code);
  return {text, static_cast<size_t>(length)};
}

std::string MpiFailureText(const char* call, const char* file, int line, int code) {
  return Format("%s failed (%s:%d): %s", call, file, line, MpiErrorText(code).c_str());
}

void ThrowMpiError(const char* call, const char* file, int line, int code, const std::string& place) {
  throw CommunicationError(place + ": " + MpiFailureText(call, file, line, code));
}

void LogMpiError(const char* call, const char* file, int line, int code) noexcept {
  try {
    LOG(ERROR) << MpiFailureText(call, file, line, code);
  } catch (const std::exception&) {
    // No memory for the text of an error: nothing is left to say.
  }
}

}  // namespace ppr::dist
