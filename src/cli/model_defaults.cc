#include "cli/model_defaults.h"

#include "stages/presets.h"

namespace ppr::cli {
namespace {

using stages::PretrainConfig;

// The value that a flag spells, or the default when it spells none: the plan reports that.
template <typename Enum>
Enum ValueOf(const settings::FlagSet& flags, const std::string& flag, Enum otherwise) {
  return flags.takes(flag) ? settings::ValueNamed<Enum>(flags.value(flag)).value_or(otherwise) : otherwise;
}

}  // namespace

void ApplyModelDefaults(settings::FlagSet& flags) {
  PretrainConfig base, changed;
  const settings::Settings of_base = settings::SettingsOf(base), of_changed = settings::SettingsOf(changed);
  const auto apply = [&](const std::string& name) {
    auto values = settings::ChangedFlags(of_base, of_changed);
    std::erase_if(values, [&](const auto& value) { return !flags.takes(value.first); });
    if (!values.empty()) flags.ApplyPreset(name, values);
    changed = base;
  };
  const stages::Preset preset = ValueOf(flags, of_base.FlagOf(&base.preset), base.preset);
  stages::ApplyPreset(preset, &changed);
  apply(settings::NameOf(preset));
  const std::string& model_flag = of_base.FlagOf(&base.kind);
  const stages::ModelKindEntry& entry = stages::EntryOf(ValueOf(flags, model_flag, base.kind));
  if (entry.set_defaults != nullptr) entry.set_defaults(changed);
  apply("--" + model_flag + "=" + entry.name);
}

}  // namespace ppr::cli
