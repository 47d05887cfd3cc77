#include "base/logging.h"

#include <cstdio>

#include "base/durable_file.h"

namespace ppr {

void StartLogging(const std::string& program, const std::string& folder, int rank) {
  CreateFolder(folder);
  // Default buffering loses up to 30 s of lines on kill -9.
  FLAGS_logbufsecs = 0;
  FLAGS_logbuflevel = -1;
  FLAGS_stderrthreshold = google::GLOG_WARNING;
  FLAGS_timestamp_in_logfile_name = false;
  // glog keeps the pointer.
  static std::string program_name;
  program_name = program;
  google::InitGoogleLogging(program_name.c_str());
  char name[32];
  std::snprintf(name, sizeof(name), "/rank_%04d.log", rank);
  google::SetLogDestination(google::GLOG_INFO, (folder + name).c_str());
  for (google::LogSeverity severity : {google::GLOG_WARNING, google::GLOG_ERROR, google::GLOG_FATAL}) {
    google::SetLogDestination(severity, "");
  }
  for (google::LogSeverity severity = 0; severity < google::NUM_SEVERITIES; ++severity) {
    google::SetLogSymlink(severity, "");
  }
}

}  // namespace ppr
