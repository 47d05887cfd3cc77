// The flags of one sub-command: what may be given, what was given, where it was given, and everything wrong
// with it.
//
// Rules: `--name=value`, `--name value`, `--name` and `--noname` for booleans, `--flagfile=path` (one flag a
// line, '#' starts a comment line, nested paths are relative to the including file). The command line wins
// over flag files, flag files over a preset, a preset over defaults; within one of these the later value
// wins. Names that the command does not take are refused wherever they stand. No function throws on bad
// input: problems are collected, so that a person sees all of them at once. Knows nothing of gflags (see
// gflags_bridge.h). One thread at a time.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ppr::cli {

enum class FlagType { kBool, kInt32, kUint32, kInt64, kUint64, kDouble, kString };

struct FlagDeclaration {
  std::string name;
  FlagType type = FlagType::kString;
  std::string default_value;
  std::string description;
};

// Flags that are explained together.
struct FlagTopic {
  std::string title;
  std::vector<FlagDeclaration> flags;
  bool stored = true;  // part of config.flags; false for what says how to launch, not what to compute
};

// Where a value stands; ranked by precedence.
struct FlagSource {
  enum class Kind { kDefault, kPreset, kFile, kCommandLine };
  Kind kind = Kind::kDefault;
  std::string place;  // preset name, or "file:line"

  std::string ToText() const;  // "default", "preset paper", "configs/a.flags:3", "command line"
};

enum class HelpRequest { kNone, kOurs, kFull };

class FlagSet {
 public:
  // `foreign` maps flags of other commands to the commands that take them ("tune, evaluate"), for better
  // messages.
  FlagSet(std::string command, std::vector<FlagTopic> topics, std::map<std::string, std::string> foreign);

  // `arguments`: the command line after the sub-command's name. Call once.
  void Parse(const std::vector<std::string>& arguments);
  // Gives `values` (flag, value) to flags that neither the command line nor a file set.
  void ApplyPreset(const std::string& preset, const std::vector<std::pair<std::string, std::string>>& values);

  // Adds what a config struct found: "name: ..." becomes "--name (source): ..." where `name` is a flag.
  void AddProblems(const std::vector<std::string>& problems);

  const std::string& command() const { return command_; }
  const std::vector<FlagTopic>& topics() const { return topics_; }
  const std::vector<std::string>& problems() const { return problems_; }
  const std::vector<std::string>& positional() const { return positional_; }
  HelpRequest help() const { return help_; }
  bool print_config() const { return print_config_; }

  bool takes(const std::string& name) const { return entries_.contains(name); }
  // The value in force, and where it stands; for a flag that the command takes. Booleans are "true" or
  // "false".
  const std::string& value(const std::string& name) const;
  const FlagSource& source(const std::string& name) const;
  const std::string& default_value(const std::string& name) const;
  // Every stored flag with its value, one a line, readable as a flag file. Depends on values alone, not on
  // sources.
  std::string ResolvedText() const;
  // Every flag with its value and source, for a person.
  std::string ListWithSources() const;

 private:
  struct Entry {
    FlagDeclaration declaration;
    std::string value;
    FlagSource source;
  };

  void ParseFile(const std::string& path, const FlagSource& origin, std::vector<std::string>& open_files);
  void ParseLine(const std::string& line, const std::string& path, const FlagSource& origin,
                 std::vector<std::string>& open_files);
  // One "--name[=value]"; `next` is the argument after it or null. True when `next` was used up as the value.
  bool ParseFlag(const std::string& text, const std::string* next, const FlagSource& origin,
                 const std::string& including_file, std::vector<std::string>& open_files);
  bool TakesValueOf(Entry& entry, const std::string& name, const std::string* next, const FlagSource& origin);
  bool HandleBuiltIn(const std::string& name, const std::string& value, const FlagSource& origin);
  void Assign(Entry& entry, const std::string& value, const FlagSource& origin);
  void RefuseUnknown(const std::string& name, const FlagSource& origin);

  std::string command_;
  std::vector<FlagTopic> topics_;
  std::map<std::string, std::string> foreign_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> problems_;
  std::vector<std::string> positional_;
  HelpRequest help_ = HelpRequest::kNone;
  bool print_config_ = false;
};

// What is wrong with `value` for a flag of `type` ("expected a whole number, found \"abc\""), or "".
std::string ValueProblem(FlagType type, const std::string& value);

}  // namespace ppr::cli
