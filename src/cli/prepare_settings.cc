#include "cli/prepare_settings.h"

#include <algorithm>
#include <map>
#include <string>

#include "data/sources/sources.h"

namespace ppr::cli {
namespace {

constexpr char kSource[] = "source";

std::vector<std::pair<std::string, const data::Source*>> SourcesByName() {
  std::vector<std::pair<std::string, const data::Source*>> sources = {{"none", nullptr}};
  for (const data::Source& source : data::Sources()) sources.emplace_back(source.name, &source);
  return sources;
}

void AddSource(settings::Settings& settings, std::string* name) {
  settings.Topic("Raw files of known data sets");
  settings.AddText(
      name,
      {.get = [name] { return name->empty() ? "none" : *name; },
       .set =
           [name](const std::string& text) {
             const auto sources = SourcesByName();
             const std::vector<std::string> known = settings::NamesIn(sources);
             if (std::find(known.begin(), known.end(), text) == known.end())
               return settings::UnknownChoice(text, known);
             *name = text == "none" ? "" : text;
             return std::string();
           }},
      {.flag = kSource,
       .help = "Raw files of a known data set: none, cikm, cikm_ubp, qqbrowser, aliec or aliad; sets the "
               "flags below and others (docs/datasets.md)"});
}

// What decides an open choice of `source` and has another value than under the source alone.
std::map<std::string, std::string> OverruledFlags(const settings::FlagSet& flags,
                                                  const data::Source& source) {
  std::map<std::string, std::string> overruled;
  for (const data::OpenChoice& choice : source.open_choices) {
    for (const std::string& flag : choice.flags) {
      const auto setting = std::find_if(source.settings.begin(), source.settings.end(),
                                        [&](const auto& one) { return one.first == flag; });
      const std::string& own = setting != source.settings.end() ? setting->second : flags.default_value(flag);
      if (flags.value(flag) != own) overruled[flag] = flags.value(flag);
    }
  }
  return overruled;
}

}  // namespace

void DescribePrepare(settings::Settings& settings, data::PrepareConfig& config) {
  Describe(settings, config);
  AddSource(settings, &config.source);
  Describe(settings, config.layout);
}

void ApplySource(settings::FlagSet& flags) {
  const data::Source* source = data::FindSource(flags.value(kSource));
  if (source != nullptr) flags.ApplyPreset("source " + source->name, source->settings);
}

void RecordOpenChoices(const settings::FlagSet& flags, data::PrepareConfig* config) {
  if (const data::Source* source = data::FindSource(config->source))
    config->open_choices = data::OpenChoicesTaken(*source, OverruledFlags(flags, *source));
}

}  // namespace ppr::cli
