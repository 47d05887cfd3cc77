#include "train/metrics_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/errors.h"

namespace ppr::train {

namespace {

// Throws nothing: a value that is no object means that `text` is none.
nlohmann::json ParseQuietly(std::string_view text) {
  return nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

// The lines of `contents` that a run resumed at `resume_step` keeps.
std::string LinesUpTo(std::string_view contents, int64_t resume_step, const std::string& path) {
  std::string kept;
  int64_t line_number = 0;
  while (!contents.empty()) {
    ++line_number;
    const size_t end = contents.find('\n');
    if (end == std::string_view::npos) break;  // cut off by a crash
    const std::string_view line = contents.substr(0, end);
    contents.remove_prefix(end + 1);
    const nlohmann::json row = ParseQuietly(line);
    if (!row.is_object()) {
      if (contents.empty())
        break;  // the same, with a later block of the file on the device before an earlier one
      throw DataError(path + ":" + std::to_string(line_number) +
                      ": expected one JSON object a line, found '" + std::string(line.substr(0, 80)) +
                      "'; remove the line, or move the file away, and resume again");
    }
    const auto step = row.find("step");
    if (step != row.end() && step->is_number() && step->get<double>() > static_cast<double>(resume_step))
      continue;
    kept.append(line).push_back('\n');
  }
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(std::string path, int64_t resume_step) : path_(std::move(path)) {
  const bool exists = FileExists(path_);
  const std::string before = exists ? ReadWholeFile(path_) : "";
  const std::string kept = resume_step < 0 ? "" : LinesUpTo(before, resume_step, path_);
  if (!exists || kept != before) WriteFileDurably(path_, kept);
  file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file_.valid()) throw StorageErrorFromErrno("cannot open for appending", path_);
}

void MetricsLog::Append(const std::string& json_object) {
  PPR_BUG_IF_NOT(json_object.find('\n') == std::string::npos && ParseQuietly(json_object).is_object(),
                 "a row of " + path_ + " must be one JSON object on one line, found '" + json_object + "'");
  const std::string line = json_object + '\n';
  size_t written_bytes = 0;
  while (written_bytes < line.size()) {  // one write, unless a signal or a full device cuts it short
    const ssize_t wrote = ::write(file_.get(), line.data() + written_bytes, line.size() - written_bytes);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw StorageErrorFromErrno("cannot append to", path_);
    written_bytes += static_cast<size_t>(wrote);
  }
}

void MetricsLog::Sync() {
  if (::fsync(file_.get()) != 0) throw StorageErrorFromErrno("cannot sync", path_);
}

}  // namespace ppr::train
