#include "evaluation/case_file.h"

#include <charconv>
#include <limits>
#include <string_view>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::evaluation {

namespace {

constexpr std::string_view kFirstLine = "# ppr cases 1";
constexpr std::string_view kColumns = "user\tposition\tgreater\tequal\tothers";
constexpr std::string_view kCatalogueColumns = "\tcatalogue_greater\tcatalogue_equal\tcatalogue_others";
constexpr std::string_view kNoCheckpoint = "-";

void AppendCounts(const RankCounts& counts, std::string& text) {
  for (const int64_t number : {counts.greater, counts.equal, counts.others})
    text += '\t' + std::to_string(number);
}

// `text` for an error message: of a file that is something else altogether, its beginning will do.
std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string quoted = "'";
  quoted += text.substr(0, kLongest);
  quoted += text.size() > kLongest ? "...'" : "'";
  return quoted;
}

// Walks over the lines of a file in memory and knows where it is, for errors.
class LineReader {
 public:
  LineReader(const std::string& path, std::string_view contents) : path_(path), rest_(contents) {}

  // The next line without its end; DataError when there is none. `expected` says what it should be.
  std::string_view Next(const std::string& expected) {
    ++line_;
    if (rest_.empty()) Refuse(expected, "the end of the file");
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) Refuse(expected + " with a line end", "a line that is cut off");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  // What follows `prefix` in the next line.
  std::string_view NextAfter(std::string_view prefix) {
    const std::string expected = "a line that begins with " + Quoted(prefix);
    const std::string_view line = Next(expected);
    if (!line.starts_with(prefix)) Refuse(expected, Quoted(line));
    return line.substr(prefix.size());
  }
  bool at_end() const { return rest_.empty(); }

  [[noreturn]] void Refuse(const std::string& expected, const std::string& found) const {
    throw DataError(path_ + ":" + std::to_string(line_) + ": expected " + expected + ", found " + found +
                    "; the file is not a whole per-case file of ppr evaluate, write it again");
  }

  int64_t Number(std::string_view text, const std::string& what, int64_t largest) const {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > largest) {
      Refuse(what + ", a whole number in 0.." + std::to_string(largest), Quoted(text));
    }
    return number;
  }

  std::string Unescape(std::string_view text) const {
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        plain += text[i];
        continue;
      }
      const char code = ++i < text.size() ? text[i] : '\0';
      if (code == 't') {
        plain += '\t';
      } else if (code == 'n') {
        plain += '\n';
      } else if (code == 'r') {
        plain += '\r';
      } else if (code == '\\') {
        plain += '\\';
      } else {
        Refuse("\\t, \\n, \\r or \\\\ after a backslash", Quoted(text));
      }
    }
    return plain;
  }

 private:
  const std::string& path_;
  std::string_view rest_;
  int64_t line_ = 0;
};

std::vector<std::string_view> SplitAtTabs(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

RankCounts ReadCounts(const LineReader& reader, std::span<const std::string_view> fields) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max() / 4;
  const RankCounts counts{.greater = reader.Number(fields[0], "greater", kLargest),
                          .equal = reader.Number(fields[1], "equal", kLargest),
                          .others = reader.Number(fields[2], "others", kLargest)};
  if (counts.greater + counts.equal > counts.others) {
    reader.Refuse("greater + equal <= others",
                  std::to_string(counts.greater + counts.equal) + " > " + std::to_string(counts.others));
  }
  return counts;
}

void ReadCase(LineReader& reader, bool with_catalogue, CaseFile& file) {
  const std::vector<std::string_view> fields = SplitAtTabs(reader.Next("a case"));
  const size_t expected = with_catalogue ? 8 : 5;
  if (fields.size() != expected) {
    reader.Refuse(std::to_string(expected) + " tab-separated fields", std::to_string(fields.size()));
  }
  file.user_ids.push_back(reader.Unescape(fields[0]));
  file.positions.push_back(
      static_cast<int32_t>(reader.Number(fields[1], "position", std::numeric_limits<int32_t>::max())));
  const std::span<const std::string_view> numbers(fields);
  file.candidates.push_back(ReadCounts(reader, numbers.subspan(2, 3)));
  if (with_catalogue) file.catalogue.push_back(ReadCounts(reader, numbers.subspan(5, 3)));
}

}  // namespace

void WriteCaseFile(const std::string& path, const data::Dataset& dataset, const CaseResults& results,
                   const std::string& checkpoint_digest, const std::string& task) {
  const bool with_catalogue = !results.catalogue.empty();
  PPR_BUG_IF_NOT(results.candidates.size() == results.cases.size() &&
                     (!with_catalogue || results.catalogue.size() == results.cases.size()),
                 std::to_string(results.cases.size()) + " cases with " +
                     std::to_string(results.candidates.size()) + " and " +
                     std::to_string(results.catalogue.size()) + " results");
  std::string text(kFirstLine);
  text += "\n# dataset " + EscapeTabbed(dataset.digest);
  text += "\n# checkpoint " +
          (checkpoint_digest.empty() ? std::string(kNoCheckpoint) : EscapeTabbed(checkpoint_digest));
  text += "\n# task " + EscapeTabbed(task);
  text += "\n# rows " + std::to_string(results.cases.size()) + "\n";
  text += kColumns;
  if (with_catalogue) text += kCatalogueColumns;
  text += '\n';
  for (size_t i = 0; i < results.cases.size(); ++i) {
    const size_t index = static_cast<size_t>(results.cases[i]);
    text += EscapeTabbed(dataset.user_ids[static_cast<size_t>(dataset.cases.user[index])]);
    text += '\t' + std::to_string(dataset.cases.position[index]);
    AppendCounts(results.candidates[i], text);
    if (with_catalogue) AppendCounts(results.catalogue[i], text);
    text += '\n';
  }
  WriteFileDurably(path, text);
}

CaseFile ReadCaseFile(const std::string& path) {
  const std::string contents = ReadWholeFile(path);
  LineReader reader(path, contents);
  const std::string_view first = reader.Next(Quoted(kFirstLine));
  if (first != kFirstLine) reader.Refuse(Quoted(kFirstLine), Quoted(first));
  CaseFile file;
  file.dataset_digest = reader.Unescape(reader.NextAfter("# dataset "));
  file.checkpoint_digest = reader.Unescape(reader.NextAfter("# checkpoint "));
  if (file.checkpoint_digest == kNoCheckpoint) file.checkpoint_digest.clear();
  file.task = reader.Unescape(reader.NextAfter("# task "));
  const int64_t rows =
      reader.Number(reader.NextAfter("# rows "), "rows", std::numeric_limits<int64_t>::max());
  const std::string_view further_columns = reader.NextAfter(kColumns);
  if (!further_columns.empty() && further_columns != kCatalogueColumns) {
    reader.Refuse("no further columns or those of the catalogue", Quoted(further_columns));
  }
  for (int64_t row = 0; row < rows; ++row) ReadCase(reader, !further_columns.empty(), file);
  if (!reader.at_end())
    reader.Refuse(std::to_string(rows) + " cases and the end of the file", "more after this line");
  return file;
}

}  // namespace ppr::evaluation
