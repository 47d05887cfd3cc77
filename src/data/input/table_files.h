// The tables that `ppr prepare` reads, as a table reader must be told about them: by the name of the file, by
// the settings, and where both are silent by its first line.
#pragma once

#include "data/input/input_config.h"
#include "data/input/table_reader.h"

namespace ppr::data {

// The format that kAuto stands for; kAuto itself when the name of the file does not tell.
InputFormat FormatOf(const InputConfig& config);

// The format of a profile or item table: by its name, else as that of the click log. kComma stands for text
// of either separator where the name does not tell. No file is read.
TableFormat FormatOfTable(const InputConfig& config, const std::string& path);

// For a click log that is a table.
TableFile InteractionsTable(const InputConfig& config);
TableFile UsersTable(const InputConfig& config);
TableFile ItemsTable(const InputConfig& config);
// Of the profile table, or of the label files of item_lines, one per profile column.
std::vector<std::string> ProfilePaths(const InputConfig& config);

// The place of `name` among `columns`, to which it is added when it is not there. DataError naming `flag`
// when the table has no such column.
int AddColumn(const TableFile& file, const std::vector<std::string>& present, const std::string& name,
              const std::string& flag, std::vector<std::string>* columns);

}  // namespace ppr::data
