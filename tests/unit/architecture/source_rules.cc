#include "source_rules.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace ppr::architecture {
namespace {

struct LibraryRule {
  std::string meaning;
  std::function<bool(const std::string& include)> applies;
  std::function<bool(const SourceFile& file)> allowed;
};

bool StartsWithAny(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& begin) { return text.starts_with(begin); });
}

const std::vector<LibraryRule>& LibraryRules() {
  static const std::vector<LibraryRule> rules = {
      {"<mpi.h> belongs to src/dist/mpi, and there not to its public header",
       [](const auto& name) { return name == "mpi.h"; },
       [](const auto& file) {
         return file.path.starts_with("src/dist/mpi/") && file.path != "src/dist/mpi/mpi_session.h";
       }},
      {"the only way into src/dist/mpi is its public header",
       [](const auto& name) { return name.starts_with("dist/mpi/") && name != "dist/mpi/mpi_session.h"; },
       [](const auto& file) { return file.path.starts_with("src/dist/mpi/"); }},
      // Headers that are private to the wrapping files may hold handles: they are named hdf5.
      {"HDF5 belongs to files of src/data and of checkpoints that wrap it",
       [](const auto& name) { return name == "hdf5.h" || name.starts_with("H5"); },
       [](const auto& file) {
         return (file.path.starts_with("src/data/") || file.room() == "checkpoint") &&
                (!file.is_header() || file.path.find("hdf5") != std::string::npos);
       }},
      {"Arrow belongs to .cc files of src/data",
       [](const auto& name) {
         return StartsWithAny(name, {"arrow/", "parquet/"});
       },
       [](const auto& file) { return file.path.starts_with("src/data/") && !file.is_header(); }},
      {"gflags belongs to .cc files of src/cli", [](const auto& name) { return name.starts_with("gflags/"); },
       [](const auto& file) { return file.room() == "cli" && !file.is_header(); }},
      {"glog is included through base/logging.h", [](const auto& name) { return name.starts_with("glog/"); },
       [](const auto& file) { return file.path == "src/base/logging.h"; }},
      {"JSON belongs to .cc files", [](const auto& name) { return name.starts_with("nlohmann/"); },
       [](const auto& file) { return !file.is_header(); }},
      {"<torch/torch.h> and torch::nn cost 20 s a file",
       [](const auto& name) {
         return StartsWithAny(name, {"torch/torch.h", "torch/nn"});
       },
       [](const auto&) { return false; }},
      {"headers take <ATen/core/Tensor.h>, not all of ATen",
       [](const auto& name) {
         return StartsWithAny(name, {"ATen/ATen.h", "torch/types.h", "torch/extension.h"});
       },
       [](const auto& file) { return !file.is_header(); }},
  };
  return rules;
}

std::string Breach(const SourceFile& file, int line, const std::string& what) {
  return file.path + ":" + std::to_string(line) + ": " + what;
}

// "tests/a" for "tests/a/x.cc"; "" for a name without a folder.
std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// glog's macros lose to libtorch's of the same names unless base/logging.h comes last.
void CheckLoggingComesLast(const SourceFile& file, std::vector<std::string>& breaches) {
  if (file.path.starts_with("src/base/logging.")) return;
  for (size_t i = 0; i < file.includes.size(); ++i) {
    if (file.includes[i].name != "base/logging.h") continue;
    if (file.is_header())
      breaches.push_back(Breach(file, file.includes[i].line, "base/logging.h belongs to .cc files"));
    if (i + 1 != file.includes.size())
      breaches.push_back(Breach(file, file.includes[i].line, "base/logging.h must be included last"));
  }
}

}  // namespace

std::vector<std::string> LibraryBreaches(const SourceFile& file) {
  std::vector<std::string> breaches;
  for (const Include& include : file.includes) {
    for (const LibraryRule& rule : LibraryRules()) {
      if (rule.applies(include.name) && !rule.allowed(file)) {
        breaches.push_back(Breach(file, include.line, rule.meaning + ", found " + include.name));
      }
    }
  }
  CheckLoggingComesLast(file, breaches);
  return breaches;
}

std::vector<std::string> ArrowBreaches(const SourceFile& file) {
  static const std::map<std::string, std::set<std::string>> kMaySee = {
      {"base", {"base"}},
      {"dist", {"base", "dist"}},
      {"data", {"base", "data"}},
      {"model", {"base", "dist", "model"}},
      {"optim", {"base", "model", "optim"}},
      {"checkpoint", {"base", "dist", "checkpoint"}},
      {"evaluation", {"base", "dist", "data", "model", "evaluation"}},
      {"recommender", {"base", "dist", "data", "model", "recommender"}},
      {"train",
       {"base", "dist", "data", "model", "optim", "checkpoint", "evaluation", "recommender", "train"}},
      {"stages",
       {"base", "dist", "data", "model", "optim", "checkpoint", "evaluation", "recommender", "train",
        "stages"}},
      {"report", {"base", "report"}},
      {"experiment", {"base", "data", "evaluation", "report", "experiment"}},
      {"benchmark",
       {"base", "dist", "data", "model", "optim", "checkpoint", "evaluation", "recommender", "train",
        "stages", "benchmark"}},
      {"cli",
       {"base", "dist", "data", "model", "evaluation", "recommender", "train", "stages", "report",
        "experiment", "benchmark", "cli"}},
  };
  std::vector<std::string> breaches;
  const auto allowed = kMaySee.find(file.room());
  if (allowed == kMaySee.end()) return breaches;
  for (const Include& include : file.includes) {
    const std::string room = include.name.substr(0, include.name.find('/'));
    // Models and optimisers say what there is of theirs to store; how it is stored is not for them to see.
    const bool lists_state =
        include.name == "checkpoint/state.h" && (file.room() == "optim" || file.room() == "recommender");
    if (lists_state) continue;
    if (include.own && kMaySee.contains(room) && !allowed->second.contains(room)) {
      breaches.push_back(
          Breach(file, include.line,
                 "src/" + file.room() + " must not see src/" + room + ", found " + include.name));
    }
    // Backends are chosen by who makes a communicator: everything else sees the interface.
    if (file.room() != "dist" && file.room() != "cli" &&
        StartsWithAny(include.name, {"dist/mpi/", "dist/local/"})) {
      breaches.push_back(
          Breach(file, include.line, "backends are for src/cli to choose, found " + include.name));
    }
  }
  return breaches;
}

std::vector<std::string> FormBreaches(const SourceFile& file) {
  constexpr int64_t kMaxLines = 500;
  std::vector<std::string> breaches;
  const auto expect = [&](bool ok, const std::string& what) {
    if (!ok) breaches.push_back(Breach(file, 1, what));
  };
  const auto has = [&](const std::string& text) { return file.text.find(text) != std::string::npos; };
  expect(std::count(file.text.begin(), file.text.end(), '\n') <= kMaxLines, "longer than 500 lines");
  expect(!has("#pragma omp"), "threads come from at::parallel_for");
  expect(!has("TODO") && !has("FIXME"), "nothing is left to do in the source");
  if (file.is_header()) {
    expect(file.text.starts_with("//"), "a header opens with a comment that tells its purpose");
    expect(has("#pragma once"), "a header is guarded by #pragma once");
    expect(!has("using namespace"), "no using namespace in a header");
  }
  return breaches;
}

std::vector<std::string> UnbuiltFiles(const std::vector<SourceFile>& files) {
  std::map<std::string, std::string> lists;  // folder -> text of its CMakeLists.txt
  std::string all_lists;
  for (const SourceFile& file : files) {
    if (!file.path.ends_with("CMakeLists.txt")) continue;
    lists[ParentOf(file.path)] = file.text;
    all_lists += file.text;
  }
  std::vector<std::string> unbuilt;
  for (const SourceFile& file : files) {
    if (!file.path.ends_with(".cc")) continue;
    // What tests share is built where it is used, named by folder and file.
    bool built =
        file.path.starts_with("tests/support/") && all_lists.find(file.path.substr(6)) != std::string::npos;
    for (std::string folder = ParentOf(file.path); !folder.empty() && !built; folder = ParentOf(folder)) {
      const auto list = lists.find(folder);
      built =
          list != lists.end() && list->second.find(file.path.substr(folder.size() + 1)) != std::string::npos;
    }
    if (!built) unbuilt.push_back(file.path + ": named in no CMakeLists.txt of its folder or above");
  }
  return unbuilt;
}

}  // namespace ppr::architecture
