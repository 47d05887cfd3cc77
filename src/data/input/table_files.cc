#include "data/input/table_files.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <algorithm>

#include "data/input/arrow_input.h"
#include "data/input/cell_values.h"
#include "data/input/item_lines_reader.h"

namespace ppr::data {
namespace {

// A header that is one column holding tabs is a TSV's, and so is a first row with tabs where there is no
// header.
TableFormat SeparatorOf(const std::string& path, const std::vector<std::string>& header) {
  const bool has_tab = header.empty() ? [&] {
    const std::vector<std::string> names = ReadColumnNames({path, TableFormat::kComma, {}, ""});
    return names.size() == 1 && names[0].find('\t') != std::string::npos;
  }()
                                      : FirstLine(path).find('\t') != std::string::npos;
  return has_tab ? TableFormat::kTab : TableFormat::kComma;
}

TableFile TableOf(const InputConfig& config, const std::string& path,
                  const std::vector<std::string>& header) {
  TableFile file{path, FormatOfTable(config, path), header, config.layout.missing_text};
  const bool is_csv = TableFormatOf(path, TableFormat::kAtomic) == TableFormat::kComma;
  if (file.format == TableFormat::kComma && !is_csv) file.format = SeparatorOf(path, header);
  return file;
}

}  // namespace

InputFormat FormatOf(const InputConfig& config) {
  if (config.format != InputFormat::kAuto) return config.format;
  const std::string name = WithoutCompression(config.interactions);
  if (name.ends_with(".inter")) return InputFormat::kAtomic;
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return InputFormat::kDelimited;
  if (name.ends_with(".parquet")) return InputFormat::kParquet;
  if (name.ends_with(".txt")) return InputFormat::kUserLines;
  return InputFormat::kAuto;
}

TableFormat FormatOfTable(const InputConfig& config, const std::string& path) {
  switch (FormatOf(config)) {
    case InputFormat::kAtomic:
      return TableFormatOf(path, TableFormat::kAtomic);
    case InputFormat::kParquet:
      return TableFormatOf(path, TableFormat::kParquet);
    default:
      return TableFormatOf(path, TableFormat::kComma);
  }
}

TableFile InteractionsTable(const InputConfig& config) {
  const InputFormat format = FormatOf(config);
  const std::vector<std::string>& header = config.layout.interactions_header;
  TableFile file{config.interactions, TableFormat::kAtomic, header, config.layout.missing_text};
  if (format == InputFormat::kParquet) file.format = TableFormat::kParquet;
  if (format != InputFormat::kDelimited) return file;
  const TableFormat by_name = TableFormatOf(config.interactions, TableFormat::kAtomic);
  const bool is_text = by_name == TableFormat::kComma || by_name == TableFormat::kTab;
  file.format = is_text ? by_name : SeparatorOf(config.interactions, header);
  return file;
}

TableFile UsersTable(const InputConfig& config) {
  return TableOf(config, config.users, config.layout.users_header);
}

TableFile ItemsTable(const InputConfig& config) {
  return TableOf(config, config.layout.item_table, config.layout.item_table_header);
}

std::vector<std::string> ProfilePaths(const InputConfig& config) {
  if (config.users.empty()) return {};
  if (FormatOf(config) != InputFormat::kItemLines) return {config.users};
  std::vector<std::string_view> parts;
  SplitItems(config.users, &parts);
  return {parts.begin(), parts.end()};
}

int AddColumn(const TableFile& file, const std::vector<std::string>& present, const std::string& name,
              const std::string& flag, std::vector<std::string>* columns) {
  if (std::find(present.begin(), present.end(), name) == present.end())
    throw MissingColumn(file.path, name, present, flag);
  const auto found = std::find(columns->begin(), columns->end(), name);
  if (found != columns->end()) return static_cast<int>(found - columns->begin());
  columns->push_back(name);
  return static_cast<int>(columns->size()) - 1;
}

}  // namespace ppr::data
