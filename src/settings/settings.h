// A config struct described field by field, once: what a person may set, what it means, what it may be, and
// under which name it is stored. Flags and their help, checks, stored configs and their comparison all read
// the description (flag_set.h, stored_settings.h).
//
// Beside each config struct stands `void Describe(Settings& settings, Config& config)`, which adds its fields
// in the order of the help. A description points into the config that it was made for, which must outlive it:
// reading shows the config's values, assigning changes them. Local; one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "settings/flag_value.h"
#include "settings/limits.h"
#include "settings/names.h"

namespace ppr::settings {

// A value that reads and writes itself as text: enumerations, and whatever has a grammar of its own.
struct TextValue {
  std::function<std::string()> get;
  // "" or what is wrong: "expected ..., found ...".
  std::function<std::string(const std::string& text)> set;
  // The same of a stored text, which may be one that a person is not offered; absent = set.
  std::function<std::string(const std::string& text)> restore;
};

using FieldPointer = std::variant<bool*, int32_t*, int64_t*, uint64_t*, double*, std::string*,
                                  std::vector<std::string>*, std::vector<int64_t>*, TextValue>;

// What is said of a field.
struct Description {
  std::string flag;  // also its name in findings; "" = no flag: a fact that is stored with the settings
  std::string help;
  std::string key;    // in the stored config, under the section; "" = the flag's name
  std::string alias;  // an earlier name of the flag, still taken
  bool stored = true;
  // Configs that were stored before the field existed were made with what is now its default.
  bool newer = false;
  // Stored, and expected in stored configs, only while this holds; absent = always. Fields before this one
  // have been read when it is asked.
  std::function<bool()> stored_when;
  std::optional<Limits> limits;  // of numbers
  std::string required;          // what is expected of a text that must not be empty, for example "a path"
};

struct Setting {
  Description description;
  FieldPointer value;
  const void* field = nullptr;  // its address: how it is found again
  std::string topic;            // title under which the help shows it
  bool in_config_flags = true;  // false: says how to launch, not what to compute
  std::string path;             // in the stored config: "encoder/blocks"; "" = not stored

  const std::string& flag() const { return description.flag; }
  FlagType type() const;
  std::string text() const;
  // "" when `text` was taken, else "expected ..., found ...". The flag's type has been checked.
  std::string Assign(const std::string& text) const;
  // "" or "expected ..., found ...": limits and missing texts.
  std::string Problem() const;
  bool is_stored() const { return !path.empty() && (!description.stored_when || description.stored_when()); }
};

// "expected one of a, b, c, found "x", did you mean ...".
std::string UnknownChoice(const std::string& name, const std::vector<std::string>& names);

class Settings {
 public:
  // Settings added from here on: where the help shows them, and where they are stored ("" = nowhere).
  Settings& Topic(std::string title, bool in_config_flags = true);
  Settings& Section(std::string section);
  // Those are stored only while `holds`; {} = always.
  Settings& StoredWhile(std::function<bool()> holds);

  template <typename T>
  void Add(T* value, Description description) requires(!std::is_enum_v<T>) {
    AddField(value, value, std::move(description));
  }
  // An enumeration by its names; `offered`: those that a person may give, of all the names there are.
  template <typename Enum>
  void Add(Enum* value, Description description) requires std::is_enum_v<Enum> {
    AddChoice(value, NamesOf(*value), std::move(description));
  }
  template <typename Enum>
  void AddChoice(Enum* value, NameTable<Enum> offered, Description description) {
    const auto set_from = [value](const NameTable<Enum>& names) {
      return [value, names](const std::string& name) {
        for (const auto& [known, of_name] : names) {
          if (known != name) continue;
          *value = of_name;
          return std::string();
        }
        return UnknownChoice(name, NamesIn(names));
      };
    };
    TextValue text{.get = [value] { return NameOf(*value); },
                   .set = set_from(offered),
                   .restore = set_from(NamesOf(*value))};
    AddField(value, std::move(text), std::move(description));
  }
  // A field with a grammar of its own.
  void AddText(const void* field, TextValue text, Description description) {
    AddField(field, std::move(text), std::move(description));
  }

  const std::vector<Setting>& all() const { return all_; }
  // Adds the setting of that field, as `others` describes it, under the topic that is set here.
  void Take(const Settings& others, const void* field);
  // Adds all of `others`, topics included.
  void TakeAll(const Settings& others);
  // The same without their flags, for what is stored with settings that a person gave elsewhere.
  void TakeStored(const Settings& others);
  // What is stored with the settings and has no flag.
  template <typename T>
  void AddFact(T* value, std::string key, bool newer = false) {
    Add(value, {.key = std::move(key), .newer = newer});
  }
  // The flag of that field. BugError when there is none.
  const std::string& FlagOf(const void* field) const;

  // "flag: expected ..., found ..." of everything outside its limits or missing; empty when all is well.
  std::vector<std::string> Problems() const;

 private:
  void AddField(const void* field, FieldPointer value, Description description);
  std::vector<Setting> all_;
  std::string topic_, section_;
  std::function<bool()> stored_while_;
  bool in_config_flags_ = true;
};

// The description of `config`.
template <typename Config>
Settings SettingsOf(Config& config) {
  Settings settings;
  Describe(settings, config);
  return settings;
}

// (flag, text) of the settings that have other values in `changed` than in `base`, which describe the same
// struct.
std::vector<std::pair<std::string, std::string>> ChangedFlags(const Settings& base, const Settings& changed);

// What is outside its limits in `config`.
template <typename Config>
std::vector<std::string> LimitProblems(Config config) {
  return SettingsOf(config).Problems();
}

}  // namespace ppr::settings
