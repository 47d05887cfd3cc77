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

}  // namespace ppr::data
