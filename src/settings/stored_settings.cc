#include "settings/stored_settings.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/errors.h"

namespace ppr::settings {
namespace {

using Json = nlohmann::json;

struct ToJson {
  Json operator()(const TextValue& value) const { return value.get(); }
  template <typename T>
  Json operator()(const T* value) const {
    return *value;
  }
};

// `name`: of the field, for errors.
struct FromJson {
  const Json& json;
  const std::string& name;

  void operator()(const TextValue& value) const {
    const std::string text = json.get<std::string>();
    if (!(value.restore ? value.restore : value.set)(text).empty())
      throw DataError(name + ": found \"" + text + "\", which this version does not know");
  }
  template <typename T>
  void operator()(T* value) const {
    *value = json.get<T>();
  }
};

Json ParseObject(const std::string& text, const std::string& where) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw DataError(where + ": expected a JSON object, found something else");
  return json;
}

Json::json_pointer PointerTo(const std::string& path) { return Json::json_pointer("/" + path); }

std::string SectionOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string Dotted(std::string path) {
  for (char& c : path) {
    if (c == '/') c = '.';
  }
  return path;
}

// The sections of which every stored field is newer than some stored configs: those may lack all of it.
bool IsNewerSection(const Settings& settings, const std::string& section) {
  for (const Setting& setting : settings.all()) {
    if (setting.is_stored() && SectionOf(setting.path) == section && !setting.description.newer) return false;
  }
  return true;
}

// What is not in `stored` was made with what is now the default.
void AddNewerDefaults(const Settings& defaults, Json* stored) {
  for (const Setting& setting : defaults.all()) {
    if (!setting.is_stored() || !setting.description.newer) continue;
    const std::string section = SectionOf(setting.path);
    const bool has_section = stored->contains(PointerTo(section));
    if (!has_section && !IsNewerSection(defaults, section)) continue;
    if (!stored->contains(PointerTo(setting.path)))
      (*stored)[PointerTo(setting.path)] = std::visit(ToJson(), setting.value);
  }
}

std::map<std::string, std::string> FlagsByPath(const Settings& settings) {
  std::map<std::string, std::string> flags;
  for (const Setting& setting : settings.all()) {
    if (!setting.path.empty() && !setting.flag().empty()) flags["/" + setting.path] = setting.flag();
  }
  return flags;
}

}  // namespace

std::string StoredJson(const Settings& settings) {
  Json json = Json::object();
  for (const Setting& setting : settings.all()) {
    if (setting.is_stored()) json[PointerTo(setting.path)] = std::visit(ToJson(), setting.value);
  }
  try {
    return json.dump();
  } catch (const Json::exception&) {
    throw DataError(
        "profile field names: expected UTF-8, found other bytes; name the columns anew and prepare again");
  }
}

bool HasSection(const std::string& json, const std::string& section) {
  return Json::parse(json, nullptr, false).contains(PointerTo(section));
}

void ReadStored(const std::string& json_text, const std::string& where, const Settings& settings) {
  const Json json = ParseObject(json_text, where);
  for (const Setting& setting : settings.all()) {
    if (!setting.is_stored()) continue;
    const std::string section = SectionOf(setting.path);
    const std::string name = where + ", " + Dotted(setting.path);
    if (!json.contains(PointerTo(setting.path))) {
      if (setting.description.newer) continue;
      if (!json.contains(PointerTo(section)))
        throw DataError(where + ", " + Dotted(section) + ": expected an object, found none");
      throw DataError(name + ": expected a value, found none");
    }
    try {
      std::visit(FromJson{json.at(PointerTo(setting.path)), name}, setting.value);
    } catch (const Json::exception& error) {
      throw DataError(name + ": " + error.what());
    }
  }
}

std::vector<std::string> StoredDifferences(const std::string& stored_json, const std::string& current_json,
                                           const Settings& defaults) {
  Json stored_config = Json::parse(stored_json, nullptr, false);
  if (!stored_config.is_object()) return {"settings: expected a JSON object, found something else"};
  AddNewerDefaults(defaults, &stored_config);
  const Json stored = stored_config.flatten();
  const Json current = Json::parse(current_json, nullptr, false).flatten();
  const std::map<std::string, std::string> flags = FlagsByPath(defaults);
  std::vector<std::string> differences;
  const auto differ = [&](const std::string& path, const std::string& expected, const std::string& found) {
    const auto flag = flags.find(path);
    differences.push_back((flag == flags.end() ? path.substr(1) : flag->second) + ": expected " + expected +
                          ", as the checkpoint has it, found " + found);
  };
  for (const auto& [path, value] : stored.items()) {
    const auto at = current.find(path);
    if (at == current.end() || *at != value)
      differ(path, value.dump(), at == current.end() ? "nothing" : at->dump());
  }
  for (const auto& [path, value] : current.items()) {
    if (!stored.contains(path)) differ(path, "nothing", value.dump());
  }
  return differences;
}

}  // namespace ppr::settings
