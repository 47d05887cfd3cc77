// The flags of one sub-command: what may be given, what was given, where it was given, and everything wrong
// with it.
//
// Rules: `--name=value`, `--name value`, `--name` and `--noname` for booleans, `--flagfile=path` (one flag a
// line, '#' starts a comment line, nested paths are relative to the including file). The command line wins
// over flag files, flag files over a preset, a preset over defaults; within one of these the later value
// wins. Names that the command does not take are refused wherever they stand. No function throws on bad
// input: problems are collected, so that a person sees all of them at once. One thread at a time.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "settings/flag_value.h"
#include "settings/settings.h"

namespace ppr::settings {

struct FlagDeclaration {
  std::string name;
  FlagType type = FlagType::kString;
  std::string default_value;
  std::string description;
  std::string alias;  // an earlier name, still taken; "" = none
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

// Topics in the order of the settings, which keep their titles; defaults are the values now in the config.
std::vector<FlagTopic> TopicsOf(const Settings& settings);

enum class HelpRequest { kNone, kOurs, kFull };

class FlagSet {
 public:
  // `foreign` maps flags of other commands to the commands that take them ("tune, evaluate"), for better
  // messages.
  FlagSet(std::string command, std::vector<FlagTopic> topics, std::map<std::string, std::string> foreign);

  // `arguments`: the command line after the sub-command's name. Call once.
  void Parse(const std::vector<std::string>& arguments);
  // The same of words that stand elsewhere than on the command line (a file, another flag's value): flags
  // only.
  void ParseWords(const std::vector<std::string>& words, const FlagSource& origin);
  // Gives `values` (flag, value) to flags that neither the command line nor a file set.
  void ApplyPreset(const std::string& preset, const std::vector<std::pair<std::string, std::string>>& values);

  // Gives the values in force to the settings of the same names; what they do not take is a problem.
  void AssignTo(const Settings& settings);

  // Adds what a config struct found: "name: ..." becomes "--name (source): ..." where `name` is a flag.
  void AddProblems(const std::vector<std::string>& problems);

  const std::string& command() const { return command_; }
  const std::vector<FlagTopic>& topics() const { return topics_; }
  const std::vector<std::string>& problems() const { return problems_; }
  const std::vector<std::string>& positional() const { return positional_; }
  // What a person should know though it is no problem: flags given by an earlier name.
  const std::vector<std::string>& notes() const { return notes_; }
  HelpRequest help() const { return help_; }
  bool print_config() const { return print_config_; }

  bool takes(const std::string& name) const { return entries_.contains(name); }
  // The value in force, and where it stands; for a flag that the command takes. Booleans are "true" or
  // "false".
  const std::string& value(const std::string& name) const;
  const FlagSource& source(const std::string& name) const;
  const std::string& default_value(const std::string& name) const;
  // Flags that were given, on the command line or in a file, with their values.
  std::map<std::string, std::string> Given() const;
  bool is_given(const std::string& name) const;
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
  // The name that a flag has today.
  std::string CurrentName(const std::string& name, const FlagSource& origin);
  bool TakesValueOf(Entry& entry, const std::string& name, const std::string* next, const FlagSource& origin);
  bool HandleBuiltIn(const std::string& name, const std::string& value, const FlagSource& origin);
  void Assign(Entry& entry, const std::string& value, const FlagSource& origin);
  void RefuseUnknown(const std::string& name, const FlagSource& origin);

  std::string command_;
  std::vector<FlagTopic> topics_;
  std::map<std::string, std::string> foreign_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> aliases_;  // earlier name -> name
  std::vector<std::string> problems_, notes_;
  std::vector<std::string> positional_;
  HelpRequest help_ = HelpRequest::kNone;
  bool print_config_ = false;
};

}  // namespace ppr::settings
