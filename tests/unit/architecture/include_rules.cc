#include "include_rules.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "declarations.h"
#include "source_rules.h"
#include "source_tokens.h"

namespace ppr::architecture {
namespace {

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

// "src/model/encoder" of the header and of the source; "tests/.../encoder" of their test.
std::string WithoutEnding(const std::string& path) { return path.substr(0, path.rfind('.')); }

// What headers offer that stand for a library: names that they do not declare themselves.
const std::map<std::string, std::set<std::string>>& OfferedBesides() {
  static const std::map<std::string, std::set<std::string>> offered = {
      {"src/base/logging.h", {"LOG", "LOG_EVERY_N", "LOG_IF", "PLOG", "VLOG", "google"}}};
  return offered;
}

// The header that an include names, or null when it is not of this tree.
const SourceFile* Resolve(const std::map<std::string, const SourceFile*>& by_path, const SourceFile& from,
                          const Include& include) {
  if (!include.own) return nullptr;
  for (const std::string& folder : {std::string("src/"), std::string("tests/"), FolderOf(from.path)}) {
    const auto found = by_path.find(folder + include.name);
    if (found != by_path.end()) return found->second;
  }
  return nullptr;
}

bool IsExcused(const SourceFile& file, const Include& include) {
  const size_t at = file.text.find("\"" + include.name + "\"");
  const std::string rest = file.text.substr(at, file.text.find('\n', at) - at);
  return rest.find("  // for ") != std::string::npos;
}

using Arrows = std::map<std::string, std::set<std::string>>;

Arrows ArrowsBetweenRooms(const std::vector<SourceFile>& files) {
  Arrows arrows;
  std::set<std::string> rooms;
  for (const SourceFile& file : files) {
    if (file.path.starts_with("src/")) rooms.insert(RoomOf(file.path.substr(4)));
  }
  for (const SourceFile& file : files) {
    if (!file.path.starts_with("src/")) continue;
    const std::string room = RoomOf(file.path.substr(4));
    for (const Include& include : file.includes) {
      const std::string seen = RoomOf(include.name);
      if (include.own && seen != room && rooms.contains(seen)) arrows[room].insert(seen);
    }
  }
  return arrows;
}

}  // namespace

std::vector<std::string> UnusedIncludes(const std::vector<SourceFile>& files) {
  std::map<std::string, const SourceFile*> by_path;
  std::map<std::string, Tokens> tokens;
  std::map<std::string, std::set<std::string>> declared;
  for (const SourceFile& file : files) {
    if (file.path.ends_with("CMakeLists.txt")) continue;
    by_path[file.path] = &file;
    tokens[file.path] = TokensOf(file.text);
    if (!file.is_header()) continue;
    declared[file.path] = DeclarationsOf(tokens[file.path]).names;
    const auto offered = OfferedBesides().find(file.path);
    if (offered != OfferedBesides().end()) declared[file.path].merge(std::set(offered->second));
  }
  std::vector<std::string> unused;
  for (const auto& [path, file] : by_path) {
    for (const Include& include : file->includes) {
      const SourceFile* header = Resolve(by_path, *file, include);
      if (header == nullptr || WithoutEnding(header->path) == WithoutEnding(path)) continue;
      const std::set<std::string>& names = declared[header->path];
      const bool is_used = std::any_of(
          names.begin(), names.end(),
          [&, &path = path](const std::string& name) { return tokens[path].names.contains(name); });
      if (!is_used && !IsExcused(*file, include)) {
        unused.push_back(path + ":" + std::to_string(include.line) + ": uses nothing that " + include.name +
                         " declares");
      }
    }
  }
  return unused;
}

std::vector<std::string> RoomCircles(const std::vector<SourceFile>& files) {
  const Arrows arrows = ArrowsBetweenRooms(files);
  std::vector<std::string> circles;
  std::set<std::string> done;
  std::vector<std::string> way;
  const std::function<void(const std::string&)> walk = [&](const std::string& room) {
    const auto met = std::find(way.begin(), way.end(), room);
    if (met != way.end()) {
      std::string circle;
      for (auto step = met; step != way.end(); ++step) circle += *step + " -> ";
      circles.push_back(circle + room);
      return;
    }
    if (done.contains(room)) return;
    way.push_back(room);
    const auto seen = arrows.find(room);
    if (seen != arrows.end()) std::for_each(seen->second.begin(), seen->second.end(), walk);
    way.pop_back();
    done.insert(room);
  };
  for (const auto& [room, seen] : arrows) walk(room);
  return circles;
}

std::vector<std::string> LargeRooms(const std::vector<SourceFile>& files, double most_share) {
  std::map<std::string, int64_t> lines;
  int64_t all = 0;
  for (const SourceFile& file : files) {
    if (!file.path.starts_with("src/") || file.path.ends_with("CMakeLists.txt")) continue;
    const int64_t here = std::count(file.text.begin(), file.text.end(), '\n');
    lines[RoomOf(file.path.substr(4))] += here;
    all += here;
  }
  std::vector<std::string> large;
  for (const auto& [room, here] : lines) {
    if (static_cast<double>(here) > most_share * static_cast<double>(all)) {
      large.push_back("src/" + room + ": " + std::to_string(here) + " of " + std::to_string(all) +
                      " lines: what are its rooms?");
    }
  }
  return large;
}

}  // namespace ppr::architecture
