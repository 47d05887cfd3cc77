#include "data/input/item_lines_reader.h"

#include "base/digest.h"
#include "base/errors.h"

namespace ppr::data {
namespace {

constexpr std::string_view kEmptyField = ",,";

// Whether `text` is "a,b,c" without an empty field.
bool IsList(std::string_view text) {
  return !text.empty() && text.front() != ',' && text.back() != ',' &&
         text.find(kEmptyField) == std::string_view::npos;
}

}  // namespace

bool ItemLinesReader::Next(std::vector<ItemLine>* lines) {
  lines->clear();
  while (lines->empty()) {
    if (!reader_.Next(&block_)) return false;
    for (size_t i = 0; i < block_.lines.size(); ++i) {
      if (!block_.lines[i].empty())
        lines->push_back(Parse(block_.lines[i], block_.first_number + static_cast<int64_t>(i)));
    }
  }
  return true;
}

ItemLine ItemLinesReader::Parse(std::string_view line, int64_t number) const {
  const size_t gap = line.find(kEmptyField);
  ItemLine parsed{number, line.substr(0, gap), {}};
  if (gap != std::string_view::npos) parsed.targets = line.substr(gap + kEmptyField.size());
  if (!IsList(parsed.history) || (gap != std::string_view::npos && !IsList(parsed.targets))) {
    throw DataError(
        path_ + ": line " + std::to_string(number) +
        ": expected \"item,item,...\" or \"item,item,...,,target,...\" with one empty field, found \"" +
        std::string(line.substr(0, 120)) + "\". Mend or remove the line.");
  }
  return parsed;
}

std::string UserIdOf(std::string_view history) { return DigestOfBytes(history.data(), history.size()); }

void SplitItems(std::string_view text, std::vector<std::string_view>* items) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    items->push_back(item);
  }
}

}  // namespace ppr::data
