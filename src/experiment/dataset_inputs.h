// The datasets of an experiment: files that are there, or flag files by which `ppr prepare` makes them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "experiment/stage_flags.h"
#include "experiment/stage_plan.h"

namespace ppr::experiment {

// "CIKM=cikm.h5", "CIKM=cikm_prepare.flags", or of two domains "AliEC:AliAD=aliec.h5:aliad.h5".
struct DatasetSpec {
  std::string name;
  std::vector<std::string> paths;  // one, or source and target

  bool crosses_domains() const { return paths.size() == 2; }
};

// Whether it names flags of ppr prepare, not a dataset.
bool IsFlagFile(const std::string& path);

// Separated by commas. Problems name the flag, "datasets: ...".
std::vector<DatasetSpec> ParseDatasets(const std::string& text, std::vector<std::string>& problems);

// One dataset file, or what makes it.
struct Domain {
  std::string path;             // of dataset.h5; "" when it is prepared
  std::string digest;           // of that file's bytes
  StageFlags prepare;           // flags of ppr prepare other than raw files
  std::vector<StageInput> raw;  // raw files

  bool prepared() const { return path.empty(); }
};

struct DatasetInput {
  std::string name;
  std::vector<Domain> domains;  // one, or source and target

  bool crosses_domains() const { return domains.size() == 2; }
  const Domain& target() const { return domains.back(); }
};

using FileDigest = std::function<std::string(const std::string& path)>;

// Looks at every file; what is missing or malformed is a problem ("datasets: ...").
// `flags_of`: the flags that a command takes; asked for those of prepare alone.
using FlagsOfCommand = std::function<settings::FlagSet(const std::string& command)>;
DatasetInput ResolveDataset(const DatasetSpec& spec, const FileDigest& digest_of,
                            const FlagsOfCommand& flags_of, std::vector<std::string>& problems);

}  // namespace ppr::experiment
