#include "settings/flag_set.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/nearest_name.h"
#include "settings/text_lists.h"

namespace ppr::settings {
namespace {

const FlagSource kCommandLine{FlagSource::Kind::kCommandLine, ""};

// Flags that every command understands and that never are settings of a run.
const std::vector<std::string> kBuiltIn = {"flagfile", "help", "helpfull", "print_config"};

std::string Canonical(const std::string& path) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, error);
  return error ? path : canonical.string();
}

std::string CanonicalBool(const std::string& value) {
  return value == "true" || value == "t" || value == "yes" || value == "y" || value == "1" ? "true" : "false";
}

}  // namespace

std::string FlagSource::ToText() const {
  switch (kind) {
    case Kind::kDefault:
      return "default";
    case Kind::kPreset:
      return "preset " + place;
    case Kind::kFile:
      return place;
    case Kind::kCommandLine:
      return "command line";
  }
  return "";
}

std::vector<FlagTopic> TopicsOf(const Settings& settings) {
  std::vector<FlagTopic> topics;
  for (const Setting& setting : settings.all()) {
    if (setting.flag().empty()) continue;
    if (topics.empty() || topics.back().title != setting.topic)
      topics.push_back({setting.topic, {}, setting.in_config_flags});
    topics.back().flags.push_back({setting.flag(), setting.type(), setting.text(), setting.description.help,
                                   setting.description.alias});
  }
  return topics;
}

FlagSet::FlagSet(std::string command, std::vector<FlagTopic> topics,
                 std::map<std::string, std::string> foreign)
    : command_(std::move(command)), topics_(std::move(topics)), foreign_(std::move(foreign)) {
  for (const FlagTopic& topic : topics_) {
    for (const FlagDeclaration& flag : topic.flags) {
      const bool fresh = entries_.emplace(flag.name, Entry{flag, flag.default_value, {}}).second;
      PPR_BUG_IF_NOT(fresh, "flag --" + flag.name + " is declared twice");
      if (!flag.alias.empty()) aliases_[flag.alias] = flag.name;
    }
  }
}

void FlagSet::Parse(const std::vector<std::string>& arguments) { ParseWords(arguments, kCommandLine); }

void FlagSet::ParseWords(const std::vector<std::string>& words, const FlagSource& origin) {
  std::vector<std::string> open_files;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("--") && word.size() > 2) {
      const std::string* next = i + 1 < words.size() ? &words[i + 1] : nullptr;
      if (ParseFlag(word, next, origin, "", open_files)) ++i;
    } else if (word == "-h" && origin.kind == FlagSource::Kind::kCommandLine) {
      help_ = std::max(help_, HelpRequest::kOurs);
    } else if (word.starts_with("-")) {
      problems_.push_back("argument " + word + " (" + origin.ToText() +
                          "): expected --name=value with two dashes");
    } else if (origin.kind == FlagSource::Kind::kCommandLine) {
      positional_.push_back(word);
    } else {
      problems_.push_back("\"" + word + "\" (" + origin.ToText() + "): expected flags as --name=value");
    }
  }
}

bool FlagSet::ParseFlag(const std::string& text, const std::string* next, const FlagSource& origin,
                        const std::string& including_file, std::vector<std::string>& open_files) {
  const size_t equals = text.find('=');
  const std::string given = text.substr(2, equals == std::string::npos ? equals : equals - 2);
  const std::string name = CurrentName(given, origin);
  const bool has_value = equals != std::string::npos;
  const std::string value = has_value ? text.substr(equals + 1) : "";
  if (name == "flagfile") {
    if (!has_value && next == nullptr) {
      problems_.push_back("--flagfile (" + origin.ToText() + "): expected a path");
      return false;
    }
    std::filesystem::path path = has_value ? value : *next;
    if (path.is_relative() && !including_file.empty()) {
      path = std::filesystem::path(including_file).parent_path() / path;
    }
    ParseFile(path.string(), origin, open_files);
    return !has_value;
  }
  if (HandleBuiltIn(name, value, origin)) return false;
  const auto found = entries_.find(name);
  if (found != entries_.end()) {
    if (!has_value) return TakesValueOf(found->second, name, next, origin);
    Assign(found->second, value, origin);
    return false;
  }
  const auto negated = name.starts_with("no") ? entries_.find(name.substr(2)) : entries_.end();
  if (negated != entries_.end() && negated->second.declaration.type == FlagType::kBool && !has_value) {
    Assign(negated->second, "false", origin);
    return false;
  }
  RefuseUnknown(name, origin);
  return false;
}

std::string FlagSet::CurrentName(const std::string& name, const FlagSource& origin) {
  const auto alias = aliases_.find(name);
  if (alias == aliases_.end()) return name;
  notes_.push_back("--" + name + " (" + origin.ToText() + ") is now called --" + alias->second);
  return alias->second;
}

// "--name" alone: true for a boolean; else the next argument is the value.
bool FlagSet::TakesValueOf(Entry& entry, const std::string& name, const std::string* next,
                           const FlagSource& origin) {
  if (entry.declaration.type == FlagType::kBool) {
    Assign(entry, "true", origin);
    return false;
  }
  if (next == nullptr || next->starts_with("--")) {
    problems_.push_back("--" + name + " (" + origin.ToText() + "): expected a value: --" + name + "=value");
    return false;
  }
  Assign(entry, *next, origin);
  return true;
}

bool FlagSet::HandleBuiltIn(const std::string& name, const std::string& value, const FlagSource& origin) {
  if (std::find(kBuiltIn.begin(), kBuiltIn.end(), name) == kBuiltIn.end()) return false;
  if (origin.kind != FlagSource::Kind::kCommandLine) {
    problems_.push_back("--" + name + " (" + origin.ToText() + "): expected on the command line only");
  } else if (!value.empty() && value != "true") {
    problems_.push_back("--" + name + "=" + value + " (command line): expected --" + name + " alone");
  } else if (name == "print_config") {
    print_config_ = true;
  } else {
    help_ = std::max(help_, name == "helpfull" ? HelpRequest::kFull : HelpRequest::kOurs);
  }
  return true;
}

void FlagSet::ParseFile(const std::string& path, const FlagSource& origin,
                        std::vector<std::string>& open_files) {
  const std::string canonical = Canonical(path);
  if (std::find(open_files.begin(), open_files.end(), canonical) != open_files.end()) {
    problems_.push_back("--flagfile=" + path + " (" + origin.ToText() + "): the file includes itself");
    return;
  }
  std::string contents;
  try {
    contents = ReadWholeFile(path);
  } catch (const StorageError& error) {
    problems_.push_back("--flagfile (" + origin.ToText() + "): " + error.what());
    return;
  }
  open_files.push_back(canonical);
  std::istringstream lines(contents);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    ParseLine(Trimmed(line), path, {FlagSource::Kind::kFile, path + ":" + std::to_string(number)},
              open_files);
  }
  open_files.pop_back();
}

void FlagSet::ParseLine(const std::string& line, const std::string& path, const FlagSource& origin,
                        std::vector<std::string>& open_files) {
  if (line.empty() || line.front() == '#') return;
  if (!line.starts_with("--") || line.size() == 2) {
    problems_.push_back(origin.ToText() +
                        ": expected --name=value, a '#' comment or an empty line, found \"" + line + "\"");
    return;
  }
  // "--name value" on one line.
  const size_t blank = line.find_first_of(" \t");
  if (blank != std::string::npos && blank < line.find('=')) {
    const std::string name = line.substr(0, blank);
    const std::string value = Trimmed(line.substr(blank));
    if (!ParseFlag(name, &value, origin, path, open_files) && entries_.contains(name.substr(2))) {
      problems_.push_back(name + " (" + origin.ToText() + "): expected " + name + "=" + value + " with '='");
    }
    return;
  }
  ParseFlag(line, nullptr, origin, path, open_files);
}

void FlagSet::Assign(Entry& entry, const std::string& value, const FlagSource& origin) {
  const std::string problem = ValueProblem(entry.declaration.type, value);
  if (!problem.empty()) {
    problems_.push_back("--" + entry.declaration.name + "=" + value + " (" + origin.ToText() +
                        "): " + problem);
    return;
  }
  if (origin.kind < entry.source.kind) return;
  entry.value = entry.declaration.type == FlagType::kBool ? CanonicalBool(value) : value;
  entry.source = origin;
}

void FlagSet::RefuseUnknown(const std::string& name, const FlagSource& origin) {
  const auto other = foreign_.find(name);
  if (other != foreign_.end()) {
    problems_.push_back("flag --" + name + " (" + origin.ToText() + ") belongs to ppr " + other->second +
                        "; ppr " + command_ + " does not take it");
    return;
  }
  std::vector<std::string> names = kBuiltIn;
  for (const auto& [known, entry] : entries_) {
    names.push_back(known);
    if (entry.declaration.type == FlagType::kBool) names.push_back("no" + known);
  }
  const std::string nearest = NearestName(name, names);
  problems_.push_back("unknown flag --" + name + " (" + origin.ToText() + ")" +
                      (nearest.empty() ? "; ppr " + command_ + " --help lists the flags"
                                       : ", did you mean --" + nearest + "?"));
}

void FlagSet::ApplyPreset(const std::string& preset,
                          const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values) {
    const auto found = entries_.find(name);
    PPR_BUG_IF_NOT(found != entries_.end(),
                   "preset " + preset + " sets --" + name + ", which " + command_ + " does not take");
    Assign(found->second, value, {FlagSource::Kind::kPreset, preset});
  }
}

const std::string& FlagSet::value(const std::string& name) const {
  PPR_BUG_IF_NOT(entries_.contains(name), "no flag --" + name);
  return entries_.at(name).value;
}

const FlagSource& FlagSet::source(const std::string& name) const {
  PPR_BUG_IF_NOT(entries_.contains(name), "no flag --" + name);
  return entries_.at(name).source;
}

const std::string& FlagSet::default_value(const std::string& name) const {
  PPR_BUG_IF_NOT(entries_.contains(name), "no flag --" + name);
  return entries_.at(name).declaration.default_value;
}

std::map<std::string, std::string> FlagSet::Given() const {
  std::map<std::string, std::string> given;
  for (const auto& [name, entry] : entries_) {
    if (is_given(name)) given[name] = entry.value;
  }
  return given;
}

bool FlagSet::is_given(const std::string& name) const {
  const FlagSource::Kind kind = source(name).kind;
  return kind == FlagSource::Kind::kFile || kind == FlagSource::Kind::kCommandLine;
}

void FlagSet::AssignTo(const Settings& settings) {
  for (const Setting& setting : settings.all()) {
    if (setting.flag().empty() || !takes(setting.flag())) continue;
    const std::string problem = setting.Assign(value(setting.flag()));
    if (!problem.empty()) AddProblems({setting.flag() + ": " + problem});
  }
}

void FlagSet::AddProblems(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) {
    const size_t end = std::min(problem.size(), problem.find_first_of(": "));
    const auto found = entries_.find(problem.substr(0, end));
    if (found == entries_.end()) {
      problems_.push_back(problem);
    } else {
      problems_.push_back("--" + found->first + " (" + found->second.source.ToText() + ")" +
                          problem.substr(end));
    }
  }
}

std::string FlagSet::ResolvedText() const {
  std::string text = "# Every setting of this run. Again, from the same folder: ppr " + command_ +
                     " --flagfile=<this file>\n";
  for (const FlagTopic& topic : topics_) {
    if (!topic.stored) continue;
    text += "\n# " + topic.title + "\n";
    for (const FlagDeclaration& flag : topic.flags) text += "--" + flag.name + "=" + value(flag.name) + "\n";
  }
  return text;
}

std::string FlagSet::ListWithSources() const {
  std::string text;
  for (const FlagTopic& topic : topics_) {
    text += "# " + topic.title + "\n";
    for (const FlagDeclaration& flag : topic.flags) {
      std::string assignment = "--" + flag.name + "=" + value(flag.name);
      assignment.resize(std::max<size_t>(assignment.size(), 44), ' ');
      text += assignment + "  # " + source(flag.name).ToText() + "\n";
    }
  }
  return text;
}

}  // namespace ppr::settings
