// `ppr prepare` in repeats, into a scratch folder.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/errors.h"
#include "benchmark/benchmark.h"
#include "benchmark/generated_data.h"
#include "benchmark/timed_work.h"

namespace ppr::benchmark {
namespace {

namespace fs = std::filesystem;

// A new folder that is deleted, with what is in it, at the end.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& parent) : path_(parent + "/ppr_bench_XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) throw StorageErrorFromErrno("cannot create a folder", path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;  // nothing depends on it
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string ParentFolder(const data::PrepareConfig& config) {
  if (!config.temporary_folder.empty()) return config.temporary_folder;
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  return error ? "/tmp" : folder.string();
}

int64_t PeakMemoryBytes() {
  rusage usage{};
  PPR_BUG_IF_NOT(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage failed");
  return int64_t{usage.ru_maxrss} * 1024;
}

int64_t BytesOf(const std::string& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) throw StorageError("cannot read the size of " + path + ": " + error.message());
  return static_cast<int64_t>(bytes);
}

}  // namespace

PrepareSpeedReport Measure(dist::Communicator& communicator, const PrepareBenchmark& benchmark) {
  if (communicator.size() > 1) {
    throw ConfigError("prepare: runs as one process; expected 1 rank, found " +
                      std::to_string(communicator.size()));
  }
  const ScratchFolder scratch(ParentFolder(benchmark.prepare));
  data::PrepareConfig config = benchmark.prepare;
  config.output = scratch.File("dataset.h5");
  const bool generated = config.interactions.empty();
  if (generated) {
    config.interactions = scratch.File("clicks.csv");
    WriteGeneratedClicks(config.interactions, benchmark.rows, config.seed);
  }
  PrepareSpeedReport report{.interactions = generated ? "generated" : config.interactions,
                            .bytes = BytesOf(config.interactions)};
  report.rows = data::Prepare(config).rows_read;  // brings the file into the page cache
  for (int64_t i = 0; i < benchmark.repeats; ++i)
    report.seconds.push_back(SecondsOnAllRanks(communicator, [&] { data::Prepare(config); }));
  report.peak_memory_bytes = PeakMemoryBytes();
  return report;
}

}  // namespace ppr::benchmark
