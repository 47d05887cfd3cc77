#include "data/sources/sources.h"

namespace ppr::data {

const std::vector<Source>& Sources() {
  static const std::vector<Source> sources = {CikmSource(), CikmUbpSource(), QqBrowserSource(), AliEcSource(),
                                              AliAdSource()};
  return sources;
}

const Source* FindSource(const std::string& name) {
  for (const Source& source : Sources()) {
    if (source.name == name) return &source;
  }
  return nullptr;
}

std::vector<std::string> OpenChoicesTaken(const Source& source,
                                          const std::map<std::string, std::string>& overruled) {
  std::vector<std::string> taken;
  for (const OpenChoice& choice : source.open_choices) {
    std::string flags;
    for (const std::string& flag : choice.flags) {
      const auto found = overruled.find(flag);
      if (found != overruled.end()) flags += " --" + flag + "=" + found->second;
    }
    taken.push_back((flags.empty() ? "" : "overruled by" + flags + ": ") + choice.text);
  }
  return taken;
}

}  // namespace ppr::data
