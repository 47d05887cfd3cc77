#include "source_rules.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "declarations.h"
#include "source_tokens.h"

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
      {"HDF5 belongs to src/hdf5",
       [](const auto& name) { return name == "hdf5.h" || name.starts_with("H5"); },
       [](const auto& file) { return file.path.starts_with("src/hdf5/"); }},
      {"handles of HDF5 belong to .cc files", [](const auto& name) { return name == "hdf5/hdf5_handles.h"; },
       [](const auto& file) { return !file.is_header(); }},
      {"Arrow belongs to .cc files of src/data/input",
       [](const auto& name) {
         return StartsWithAny(name, {"arrow/", "parquet/"});
       },
       [](const auto& file) { return file.path.starts_with("src/data/input/") && !file.is_header(); }},
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

// The comment that a file opens with.
std::string HeadOf(const std::string& text) {
  size_t end = 0;
  while (text.compare(end, 2, "//") == 0) {
    end = text.find('\n', end);
    end = end == std::string::npos ? text.size() : end + 1;
  }
  return text.substr(0, end);
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

// What each room may see beside itself. Folders of other rooms that are not named here (dist/mpi,
// model/fused) are part of their room.
const std::map<std::string, std::set<std::string>>& MaySee() {
  static const std::map<std::string, std::set<std::string>> arrows = {
      {"base", {}},
      {"settings", {"base"}},
      {"dist", {"base"}},
      {"hdf5", {"base"}},
      {"data", {"base", "settings", "hdf5"}},
      {"data/input", {"base", "settings", "data"}},
      {"data/prepare", {"base", "settings", "data", "data/input"}},
      {"data/sources", {}},
      {"model", {"base", "settings", "dist"}},
      {"optim", {"base", "settings", "model"}},
      {"checkpoint", {"base", "dist", "hdf5"}},
      {"evaluation", {"base", "settings", "dist", "data", "model"}},
      {"recommender", {"base", "settings", "dist", "data", "model"}},
      {"train",
       {"base", "settings", "dist", "data", "model", "optim", "checkpoint", "evaluation", "recommender"}},
      {"stages",
       {"base", "settings", "dist", "data", "model", "optim", "checkpoint", "evaluation", "recommender",
        "train"}},
      {"report", {"base"}},
      {"experiment", {"base", "settings", "data", "evaluation", "report"}},
      {"benchmark",
       {"base", "settings", "dist", "data", "data/prepare", "model", "optim", "checkpoint", "evaluation",
        "recommender", "train", "stages"}},
      {"cli",
       {"base", "settings", "dist", "data", "data/input", "data/prepare", "data/sources", "model",
        "evaluation", "recommender", "train", "stages", "report", "experiment", "benchmark"}},
  };
  return arrows;
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

std::string RoomOf(const std::string& path_in_src) {
  for (std::string folder = ParentOf(path_in_src); !folder.empty(); folder = ParentOf(folder)) {
    if (MaySee().contains(folder)) return folder;
  }
  return path_in_src.substr(0, path_in_src.find('/'));
}

std::vector<std::string> ArrowBreaches(const SourceFile& file) {
  std::vector<std::string> breaches;
  if (!file.path.starts_with("src/")) return breaches;
  const std::string room = RoomOf(file.path.substr(4));
  const auto allowed = MaySee().find(room);
  if (allowed == MaySee().end()) {
    // src/torch_headers.cc and the like stand in no room.
    if (file.path.find('/', 4) != std::string::npos)
      breaches.push_back(
          Breach(file, 1, "src/" + room + " is no room of source_rules.cc: say what it may see"));
    return breaches;
  }
  for (const Include& include : file.includes) {
    const std::string seen = RoomOf(include.name);
    // Models and optimisers say what there is of theirs to store; how it is stored is not for them to see.
    if (include.name == "checkpoint/state.h" && (room == "optim" || room == "recommender")) continue;
    if (include.own && MaySee().contains(seen) && seen != room && !allowed->second.contains(seen)) {
      breaches.push_back(Breach(file, include.line,
                                "src/" + room + " must not see src/" + seen + ", found " + include.name));
    }
    // Backends are chosen by who makes a communicator: everything else sees the interface.
    if (room != "dist" && room != "cli" && StartsWithAny(include.name, {"dist/mpi/", "dist/local/"})) {
      breaches.push_back(
          Breach(file, include.line, "backends are for src/cli to choose, found " + include.name));
    }
  }
  return breaches;
}

std::vector<std::string> LongFiles(const SourceFile& file) {
  constexpr int64_t kMostLines = 450;
  if (std::count(file.text.begin(), file.text.end(), '\n') <= kMostLines) return {};
  if (HeadOf(file.text).find("Longer than 450 lines: ") != std::string::npos) return {};
  return {
      Breach(file, 1, "longer than 450 lines, and its head does not say \"Longer than 450 lines: <why>\"")};
}

std::vector<std::string> FormBreaches(const SourceFile& file) {
  std::vector<std::string> breaches;
  const auto expect = [&](bool ok, const std::string& what) {
    if (!ok) breaches.push_back(Breach(file, 1, what));
  };
  const auto has = [&](const std::string& text) { return file.text.find(text) != std::string::npos; };
  expect(!has("#pragma omp"), "threads come from at::parallel_for");
  expect(!has("TODO") && !has("FIXME"), "nothing is left to do in the source");
  if (file.is_header()) {
    expect(file.text.starts_with("//"), "a header opens with a comment that tells its purpose");
    expect(has("#pragma once"), "a header is guarded by #pragma once");
    expect(!has("using namespace"), "no using namespace in a header");
  }
  return breaches;
}

std::vector<std::string> LongFunctions(const SourceFile& file) {
  constexpr int kMostLines = 50;
  std::vector<std::string> breaches;
  for (const Function& function : DeclarationsOf(TokensOf(file.text)).functions) {
    const int lines = function.last_line - function.first_line + 1;
    if (lines > kMostLines) {
      breaches.push_back(
          Breach(file, function.first_line,
                 function.name + " has " + std::to_string(lines) + " lines, expected at most 50"));
    }
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
