#include "base/errors.h"

#include <cerrno>
#include <cstring>

namespace ppr {

StorageError StorageErrorFromErrno(const std::string& action, const std::string& path) {
  const int saved_errno = errno;
  return StorageError(action + " " + path + ": " + std::strerror(saved_errno));
}

void ThrowBug(const char* expression, const char* file, int line, const std::string& detail) {
  throw BugError(std::string("internal error: ") + detail + " (expected " + expression + " at " + file + ":" +
                 std::to_string(line) + "); please report it");
}

}  // namespace ppr
