#include "cli/model_defaults.h"

#include <string>
#include <utility>
#include <vector>

#include "stages/presets.h"

namespace ppr::cli {
namespace {

using stages::PretrainConfig;

// The value that a flag spells, or the default when it spells none: the plan reports that.
template <typename Enum>
Enum ValueOf(const settings::FlagSet& flags, const std::string& flag, Enum otherwise) {
  return flags.takes(flag) ? settings::ValueNamed<Enum>(flags.value(flag)).value_or(otherwise) : otherwise;
}

// (flag, text) of those fields, as `all` describes them.
std::vector<std::pair<std::string, std::string>> FlagsOf(const settings::Settings& all,
                                                         const std::vector<const void*>& fields) {
  std::vector<std::pair<std::string, std::string>> flags;
  for (const void* const field : fields) {
    settings::Settings one;
    one.Take(all, field);
    flags.emplace_back(one.all().front().flag(), one.all().front().text());
  }
  return flags;
}

}  // namespace

void ApplyModelDefaults(settings::FlagSet& flags) {
  PretrainConfig base, stated, changed;
  const settings::Settings of_base = settings::SettingsOf(base), of_stated = settings::SettingsOf(stated),
                           of_changed = settings::SettingsOf(changed);
  const auto apply = [&](const std::string& name, std::vector<std::pair<std::string, std::string>> values) {
    std::erase_if(values, [&](const auto& value) { return !flags.takes(value.first); });
    if (!values.empty()) flags.ApplyPreset(name, values);
  };
  const stages::Preset preset = ValueOf(flags, of_base.FlagOf(&base.preset), base.preset);
  apply(settings::NameOf(preset), FlagsOf(of_stated, stages::ApplyPreset(preset, &stated)));
  const std::string& model_flag = of_base.FlagOf(&base.kind);
  const stages::ModelKindEntry& entry = stages::EntryOf(ValueOf(flags, model_flag, base.kind));
  if (entry.set_defaults != nullptr) entry.set_defaults(changed);
  apply("--" + model_flag + "=" + entry.name, settings::ChangedFlags(of_base, of_changed));
}

}  // namespace ppr::cli
