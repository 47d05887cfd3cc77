#include "experiment/input_digests.h"

#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"

namespace ppr::experiment {
namespace {

std::string StateOf(const std::string& file) {
  struct stat info;
  if (::stat(file.c_str(), &info) != 0) throw StorageErrorFromErrno("cannot look at", file);
  if (!S_ISREG(info.st_mode)) throw StorageError("expected a file, found a folder or a device at " + file);
  std::error_code error;
  const std::string path = std::filesystem::absolute(file, error).string();
  return std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec) + " " + (error ? file : path);
}

}  // namespace

InputDigests::InputDigests(std::string path) : path_(std::move(path)) {
  if (path_.empty() || !FileExists(path_)) return;
  std::istringstream lines(ReadWholeFile(path_));
  for (std::string line; std::getline(lines, line);) {
    const size_t blank = line.find(' ');
    if (blank != std::string::npos) digests_[line.substr(blank + 1)] = line.substr(0, blank);
  }
}

std::string InputDigests::Of(const std::string& file) {
  const std::string state = StateOf(file);
  std::string& digest = digests_[state];
  if (digest.empty()) {
    digest = DigestOfFile(file);
    Keep();
  }
  return digest;
}

void InputDigests::Keep() const {
  if (path_.empty()) return;
  std::string text;
  for (const auto& [state, digest] : digests_) text += digest + " " + state + "\n";
  WriteFileDurably(path_, text);
}

}  // namespace ppr::experiment
