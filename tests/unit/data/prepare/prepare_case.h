// Shared by the tests of Prepare(): a folder with small inputs, a config that names them, and datasets by id.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/prepare/prepare.h"
#include "support/temporary_folder.h"

namespace ppr::test {

class PrepareCase {
 public:
  // Writes the click log under `name` and points the config at it. One candidate, since small logs have few
  // items.
  explicit PrepareCase(const std::string& clicks, const std::string& name = "clicks.inter") {
    config.interactions = folder / name;
    config.output = folder / "dataset.h5";
    config.num_candidates = 1;
    WriteBytes(config.interactions, clicks);
  }
  void AddProfiles(const std::string& profiles, const std::string& name = "clicks.user") {
    config.users = folder / name;
    WriteBytes(config.users, profiles);
  }
  data::Dataset Run() {
    report = data::Prepare(config);
    return data::ReadDataset(config.output);
  }
  // Names of the files in the folder.
  std::set<std::string> Files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      names.insert(entry.path().filename());
    return names;
  }

  TemporaryFolder folder;
  data::PrepareConfig config;
  data::PrepareReport report;
};

struct Case {
  data::CasePart part;
  std::string user;
  int32_t position;
  bool operator==(const Case&) const = default;
};

inline std::vector<Case> CasesById(const data::Dataset& dataset) {
  std::vector<Case> cases;
  for (int64_t i = 0; i < dataset.cases.size(); ++i) {
    cases.push_back(
        {dataset.cases.part[i], dataset.user_ids[dataset.cases.user[i]], dataset.cases.position[i]});
  }
  return cases;
}

}  // namespace ppr::test
