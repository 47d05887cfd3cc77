#include "cli/run_folder_guard.h"

#include <filesystem>
#include <utility>

#include "base/durable_file.h"

namespace ppr::cli {
namespace {

namespace fs = std::filesystem;

bool HoldsOnlyLogs(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename() != "logs") return false;
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "logs", error)) {
    if (entry.path().extension() != ".log") return false;
  }
  return !error;
}

}  // namespace

RunFolderGuard::RunFolderGuard(std::string folder)
    : folder_(std::move(folder)), existed_(FileExists(folder_)) {}

void RunFolderGuard::Withdraw() const {
  if (folder_.empty() || existed_ || !HoldsOnlyLogs(folder_)) return;
  std::error_code ignored;  // what cannot be removed stays; the failure itself is what matters
  fs::remove_all(fs::path(folder_) / "logs", ignored);
  fs::remove(folder_, ignored);
}

}  // namespace ppr::cli
