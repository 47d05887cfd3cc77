#include "experiment/dataset_inputs.h"

#include <algorithm>
#include <filesystem>

#include "base/errors.h"
#include "settings/text_lists.h"

namespace ppr::experiment {
namespace {

// Flags of ppr prepare that name files; --users may list several. --shared_with is a dataset.
const std::vector<std::string> kRawFiles = {"interactions", "users", "item_table", "targets", "shared_with"};

std::vector<std::string> SplitColons(const std::string& text) {
  std::vector<std::string> parts = {""};
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

void CheckSpec(const std::string& part, const DatasetSpec& spec, std::vector<std::string>& problems) {
  const size_t names = SplitColons(spec.name).size();
  const bool has_empty = spec.name.empty() || std::count(spec.paths.begin(), spec.paths.end(), "") > 0;
  if (has_empty || names != spec.paths.size() || names > 2) {
    problems.push_back("datasets: expected NAME=file.h5, NAME=prepare.flags or, of two domains, " +
                       std::string("SOURCE:TARGET=source.h5:target.h5; found \"") + part + "\"");
  }
}

// The digest of one file or of a list of them; base names are part of what ppr prepare records.
std::string DigestOfRaw(const std::string& files, const FileDigest& digest_of) {
  std::string text;
  for (const std::string& file : settings::SplitList(files)) {
    text +=
        (text.empty() ? "" : " ") + std::filesystem::path(file).filename().string() + ":" + digest_of(file);
  }
  return text;
}

Domain ResolveDomain(const std::string& name, const std::string& path, const FileDigest& digest_of,
                     const FlagsOfCommand& flags_of, std::vector<std::string>& problems) {
  Domain domain;
  try {
    if (!IsFlagFile(path)) {
      domain.path = path;
      domain.digest = digest_of(path);
      return domain;
    }
    std::vector<std::string> of_file;
    domain.prepare = ReadStageFlagFile(path, flags_of("prepare"), of_file);
    for (const std::string& problem : of_file) problems.push_back("datasets: " + name + ": " + problem);
    domain.prepare.erase("output");
    for (const std::string& flag : kRawFiles) {
      const auto found = domain.prepare.find(flag);
      if (found == domain.prepare.end() || found->second.empty()) continue;
      domain.raw.push_back(
          {.flag = flag, .value = found->second, .digest = DigestOfRaw(found->second, digest_of)});
      domain.prepare.erase(found);
    }
    if (domain.raw.empty() && of_file.empty()) {
      problems.push_back("datasets: " + name + ": expected --interactions in " + path + ", found none");
    }
  } catch (const Error& error) {
    problems.push_back("datasets: " + name + ": " + error.what());
  }
  return domain;
}

}  // namespace

bool IsFlagFile(const std::string& path) { return path.ends_with(".flags"); }

std::vector<DatasetSpec> ParseDatasets(const std::string& text, std::vector<std::string>& problems) {
  std::vector<DatasetSpec> specs;
  for (const std::string& part : settings::SplitList(text)) {
    const size_t equals = std::min(part.find('='), part.size());
    DatasetSpec spec{part.substr(0, equals), SplitColons(part.substr(std::min(equals + 1, part.size())))};
    CheckSpec(part, spec, problems);
    const bool known = std::any_of(specs.begin(), specs.end(),
                                   [&](const DatasetSpec& other) { return other.name == spec.name; });
    if (known) problems.push_back("datasets: expected each name once, found " + spec.name + " twice");
    specs.push_back(std::move(spec));
  }
  return specs;
}

DatasetInput ResolveDataset(const DatasetSpec& spec, const FileDigest& digest_of,
                            const FlagsOfCommand& flags_of, std::vector<std::string>& problems) {
  DatasetInput input{.name = spec.name, .domains = {}};
  for (const std::string& path : spec.paths) {
    input.domains.push_back(ResolveDomain(spec.name, path, digest_of, flags_of, problems));
  }
  return input;
}

}  // namespace ppr::experiment
