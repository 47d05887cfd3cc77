#include "data/input/item_names.h"

#include <algorithm>

#include "data/input/cell_values.h"
#include "data/input/table_files.h"

namespace ppr::data {
namespace {

constexpr char kJoint = '/';

// Where the item table says what; -1 = not asked for. The item's own id is column 0.
struct ItemColumns {
  std::vector<std::string> names;
  std::vector<int> parts;
  int filter = -1;
};

ItemColumns PlanItemColumns(const InputConfig& config, const TableFile& file) {
  const RawLayout& layout = config.layout;
  const std::vector<std::string> present = ReadColumnNames(file);
  ItemColumns plan;
  const std::string& id =
      layout.item_table_id_column.empty() ? config.item_column : layout.item_table_id_column;
  AddColumn(file, present, id, "--item_table_id_column", &plan.names);
  for (const std::string& part : layout.item_from)
    plan.parts.push_back(AddColumn(file, present, part, "--item_from", &plan.names));
  if (!layout.item_filter_column.empty())
    plan.filter = AddColumn(file, present, layout.item_filter_column, "--item_filter_column", &plan.names);
  return plan;
}

bool Contains(const std::vector<std::string>& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

}  // namespace

bool JoinParts(const std::vector<std::string_view>& parts, std::string* text) {
  text->clear();
  for (const std::string_view part : parts) {
    if (part.empty()) return false;
    if (!text->empty()) text->push_back(kJoint);
    text->append(part);
  }
  return true;
}

ItemNames::ItemNames(const InputConfig& config) {
  const TableFile file = ItemsTable(config);
  const ItemColumns plan = PlanItemColumns(config, file);
  TableReader reader(file, plan.names);
  TableBlock block;
  std::vector<std::string_view> parts(plan.parts.size());
  std::string name;
  while (reader.Next(&block)) {
    for (int64_t row = 0; row < block.num_rows; ++row) {
      const std::string_view id = block.cells[0][row];
      CheckToken({file.path, plan.names[0], block.first_row + row}, id);
      if (items_.Encode(id) < static_cast<int32_t>(name_of_.size())) continue;  // the first row counts
      if (plan.filter >= 0 && !Contains(config.layout.item_filter_values, block.cells[plan.filter][row])) {
        name_of_.push_back(kFilteredOut);
        continue;
      }
      for (size_t i = 0; i < parts.size(); ++i) parts[i] = block.cells[plan.parts[i]][row];
      name_of_.push_back(parts.empty()             ? kSameName
                         : JoinParts(parts, &name) ? names_.Encode(name)
                                                   : kUnnamed);
    }
  }
}

ItemNames::Answer ItemNames::Find(std::string_view item, std::string_view* name) const {
  const int32_t found = items_.Find(item);
  const int32_t number = found < 0 ? kUnnamed : name_of_[found];
  if (number == kUnnamed) return Answer::kUnknown;
  if (number == kFilteredOut) return Answer::kFiltered;
  *name = number == kSameName ? item : names_.text(number);
  return Answer::kWanted;
}

}  // namespace ppr::data
