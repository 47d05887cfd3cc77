// Which settings of `ppr prepare` cannot work.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/findings.h"
#include "base/text_format.h"
#include "data/input/table_files.h"
#include "data/prepare/prepare.h"

namespace ppr::data {
namespace {

// However the paths are spelled.
bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || std::filesystem::equivalent(a, b, error);
}

void CheckFiles(const PrepareConfig& config, Findings* findings) {
  std::vector<std::string> inputs = ProfilePaths(config);
  inputs.insert(inputs.end(), {config.interactions, config.layout.item_table, config.layout.targets,
                               config.layout.shared_with});
  const auto overwritten = std::find_if(inputs.begin(), inputs.end(), [&](const std::string& input) {
    return IsSameFile(input, config.output);
  });
  findings->Expect(config.output.empty() || overwritten == inputs.end(), "output",
                   "another file than the inputs", config.output);
  findings->Expect(config.interactions.empty() || FormatOf(config) != InputFormat::kAuto, "format",
                   "one of atomic, delimited, parquet, user_lines, item_lines",
                   "auto, and the name " + config.interactions + " does not tell the format");
  findings->Expect(config.users.empty() || config.interactions != config.users, "users",
                   "another file than --interactions", config.users);
}

void CheckColumns(const PrepareConfig& config, Findings* findings) {
  const InputFormat format = FormatOf(config);
  const bool by_line = format == InputFormat::kUserLines || format == InputFormat::kItemLines;
  std::set<std::string> seen;
  for (const std::string& name :
       {config.user_column, config.item_column, config.time_column, config.rating_column}) {
    findings->Expect(name.empty() || seen.insert(name).second, "columns",
                     "different columns for user, item, time and rating", name + " twice");
  }
  seen.clear();
  for (const std::string& name : config.profile_columns) {
    findings->Expect(!name.empty(), "profile_columns", "names", "an empty one");
    findings->Expect(seen.insert(name).second, "profile_columns", "each column once", name + " twice");
    findings->Expect(name != config.user_column, "profile_columns", "profile columns",
                     "the user column " + name);
  }
  // A source names the columns whether or not the table is at hand.
  findings->Expect(config.profile_columns.empty() || !config.users.empty() || !config.source.empty(),
                   "profile_columns", "a profile table beside them (--users)", "none");
  findings->Expect(!by_line || config.rating_column.empty(), "rating_column",
                   "nothing, as files of user lines have no ratings", config.rating_column);
  findings->Expect(config.ties == TieOrder::kFile || (!by_line && !config.time_column.empty()), "ties",
                   "file, or times (--time_column): without them hash would shuffle whole histories",
                   settings::NameOf(config.ties));
  findings->Expect(std::isfinite(config.min_rating), "min_rating", "a finite number",
                   std::to_string(config.min_rating));
  findings->Expect(config.min_rating == 0 || !config.rating_column.empty(), "min_rating",
                   "a --rating_column beside it", "none");
}

void CheckProtocol(const PrepareConfig& config, Findings* findings) {
  const double both = config.cold_train_share + config.cold_dev_share;
  findings->Expect(!(both > 1), "cold_train_share", "with --cold_dev_share at most 1", Format("%g", both));
  findings->Expect(config.num_threads >= 0, "num_threads", "at least 0 (0 = one per core)",
                   std::to_string(config.num_threads));
}

}  // namespace

std::vector<std::string> PrepareConfig::Problems() const {
  PrepareConfig copy = *this;
  settings::Settings all = settings::SettingsOf(copy);
  Describe(all, copy.layout);
  Findings findings;
  findings.Append(all.Problems());
  CheckFiles(*this, &findings);
  CheckColumns(*this, &findings);
  CheckLayout(*this, &findings);
  CheckProtocol(*this, &findings);
  return findings.Take();
}

}  // namespace ppr::data
