// The raw files of the paper's datasets, by name: what `ppr prepare --source=NAME` sets. A source is nothing
// but settings of prepare and the choices behind them, so that whatever it does can be seen, overridden one
// by one and used for other files.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ppr::data {

// Something that the paper and its data leave open, and what is taken here.
struct OpenChoice {
  std::string text;
  std::vector<std::string> flags;  // of prepare, that decide it: another value overrules what `text` says
};

struct Source {
  std::string name;
  std::string summary;                                        // which files, one line
  std::vector<std::pair<std::string, std::string>> settings;  // (flag of prepare, value)
  std::vector<OpenChoice> open_choices;                       // part of the provenance record
};

const std::vector<Source>& Sources();
// Null when there is none of that name.
const Source* FindSource(const std::string& name);

// The open choices for the record of a dataset: each as its text, after "overruled by --a=1 --b=2: " where
// `overruled` (flag -> value) has flags that decide it.
std::vector<std::string> OpenChoicesTaken(const Source& source,
                                          const std::map<std::string, std::string>& overruled);

Source CikmSource();
Source CikmUbpSource();
Source QqBrowserSource();
Source AliEcSource();
Source AliAdSource();

}  // namespace ppr::data
