#include "experiment/stage_flags.h"

#include "settings/text_lists.h"

namespace ppr::experiment {
namespace {

StageFlags Parse(const std::vector<std::string>& words, const std::string& where, settings::FlagSet flags,
                 std::vector<std::string>& problems) {
  flags.ParseWords(words, {settings::FlagSource::Kind::kFile, where});
  problems.insert(problems.end(), flags.problems().begin(), flags.problems().end());
  return flags.Given();
}

}  // namespace

StageFlags ParseStageFlags(const std::string& text, const std::string& where, const settings::FlagSet& known,
                           std::vector<std::string>& problems) {
  return Parse(settings::SplitWords(text, where, problems), where, known, problems);
}

StageFlags ReadStageFlagFile(const std::string& path, const settings::FlagSet& known,
                             std::vector<std::string>& problems) {
  return Parse({"--flagfile=" + path}, path, known, problems);
}

StageFlags Merged(StageFlags flags, const StageFlags& winning) {
  for (const auto& [name, value] : winning) flags[name] = value;
  return flags;
}

}  // namespace ppr::experiment
