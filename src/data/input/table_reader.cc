#include "data/input/table_reader.h"

#include <arrow/buffer.h>
#include <arrow/csv/api.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>

#include "base/errors.h"
#include "data/input/arrow_input.h"
#include "data/input/column_text.h"

namespace ppr::data {
namespace {

constexpr int32_t kBlockBytes = 1 << 20;

std::string Trimmed(const std::string& name) {
  const size_t first = name.find_first_not_of(" \t\r"), last = name.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : name.substr(first, last - first + 1);
}

// "user_id:token" -> "user_id".
std::string WithoutType(const std::string& path, const std::string& field) {
  static const std::set<std::string> kTypes = {"token", "token_seq", "float", "float_seq"};
  const size_t colon = field.find(':');
  if (colon == std::string::npos || kTypes.count(field.substr(colon + 1)) == 0) {
    throw DataError(path +
                    ": line 1: expected fields of the form name:type with type token, token_seq, float or " +
                    "float_seq, found \"" + field +
                    "\". Is this an atomic file? For a plain table use --format=delimited.");
  }
  return field.substr(0, colon);
}

std::vector<std::string> CleanNames(const std::string& path, TableFormat format,
                                    const std::vector<std::string>& raw) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const std::string& field : raw) {
    std::string name = Trimmed(field);
    if (format == TableFormat::kAtomic) name = WithoutType(path, name);
    const std::string column = "column " + std::to_string(names.size() + 1);
    if (name.empty()) throw DataError(path + ": header: " + column + ": expected a name, found none");
    if (name.find('\0') != std::string::npos) {
      throw DataError(path + ": header: " + column +
                      ": expected text, found a zero byte. Is the file a table?");
    }
    if (!seen.insert(name).second) {
      throw DataError(path + ": header: " + column + ": expected a new name, found \"" + name +
                      "\" a second time");
    }
    names.push_back(name);
  }
  return names;
}

// The first row that Arrow refused, told in our words; Arrow calls back from its own threads.
class RaggedRow {
 public:
  void Keep(const std::string& message) {
    const std::lock_guard lock(mutex_);
    if (!message_) message_ = message;
  }
  std::optional<std::string> message() const {
    const std::lock_guard lock(mutex_);
    return message_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<std::string> message_;
};

arrow::csv::ParseOptions ParseOptionsOf(const TableFile& file, std::shared_ptr<RaggedRow> ragged) {
  auto options = arrow::csv::ParseOptions::Defaults();
  options.delimiter = file.format == TableFormat::kComma ? ',' : '\t';
  // Atomic files have no quoting: a quote is a character like any other.
  options.quoting = file.format != TableFormat::kAtomic;
  const int64_t rows_before_data = file.header.empty() ? 1 : 0;
  options.invalid_row_handler = [path = file.path, rows_before_data,
                                 ragged](const arrow::csv::InvalidRow& row) {
    const std::string where =
        row.number < 0 ? "a row" : "row " + std::to_string(row.number - rows_before_data);
    ragged->Keep(path + ": " + where + ": expected " + std::to_string(row.expected_columns) +
                 (rows_before_data > 0 ? " columns as in the header" : " columns, for which it has names") +
                 ", found " + std::to_string(row.actual_columns) + ": \"" +
                 std::string(row.text.substr(0, 120)) +
                 "\". Mend the row, or quote fields that hold a separator.");
    return arrow::csv::InvalidRowResult::Error;
  };
  return options;
}

// `use_threads` hides the numbers of ragged rows, so it is off when one is looked for.
arrow::Result<std::shared_ptr<arrow::csv::StreamingReader>> TryOpenText(
    const TableFile& file, const std::vector<std::string>& raw_columns,
    const std::shared_ptr<RaggedRow>& ragged, bool use_threads) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.block_size = kBlockBytes;
  read.use_threads = use_threads;
  read.column_names = file.header;
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.default_column_type = arrow::binary();
  convert.include_columns = raw_columns;
  return arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), OpenInput(file.path), read,
                                           ParseOptionsOf(file, ragged), convert);
}

// Reads again up to the first ragged row, now with row numbers.
[[noreturn]] void ThrowRaggedRow(const TableFile& file) {
  const auto ragged = std::make_shared<RaggedRow>();
  const auto reader = TryOpenText(file, {}, ragged, false);
  std::shared_ptr<arrow::RecordBatch> batch;
  while (reader.ok() && !ragged->message() && (*reader)->ReadNext(&batch).ok() && batch != nullptr) {
  }
  throw DataError(ragged->message().value_or(
      file.path + ": a row has more or fewer columns than the header. Mend the row."));
}

// Arrow finds no columns in a header without a line end.
bool HasLineEnd(const std::string& path) {
  const auto first = OpenInput(path)->Read(kBlockBytes);
  ThrowIfFailed(first.status(), path, "cannot read");
  return static_cast<std::string_view>(**first).find_first_of("\r\n") != std::string_view::npos;
}

std::shared_ptr<arrow::csv::StreamingReader> OpenText(const TableFile& file,
                                                      const std::vector<std::string>& raw_columns,
                                                      const std::shared_ptr<RaggedRow>& ragged) {
  auto reader = TryOpenText(file, raw_columns, ragged, true);
  if (reader.ok()) return *reader;
  if (ragged->message()) ThrowRaggedRow(file);
  if (file.header.empty() && !HasLineEnd(file.path))
    throw DataError(file.path + ": expected a header and rows, found one line that does not end");
  ThrowIfFailed(reader.status(), file.path, "cannot read the header and the first rows as a table");
  return nullptr;
}

std::unique_ptr<parquet::arrow::FileReader> OpenParquet(const std::string& path) {
  OpenInput(path);  // for its checks: Parquet needs random access, so it opens the file itself
  auto file = arrow::io::ReadableFile::Open(path);
  ThrowIfFailed(file.status(), path, "cannot open");
  auto reader = parquet::arrow::OpenFile(*file, arrow::default_memory_pool());
  ThrowIfFailed(reader.status(), path, "not a Parquet file, or a damaged one");
  (*reader)->set_use_threads(true);
  return std::move(*reader);
}

void Empty(std::string_view missing_text, std::vector<std::string_view>* cells) {
  for (std::string_view& cell : *cells) {
    if (cell == missing_text) cell = {};
  }
}

// A file that was said to have no header and has it: its names would become a row.
void CheckHasNoHeader(const TableFile& file) {
  const char separator = file.format == TableFormat::kComma ? ',' : '\t';
  std::string names;
  for (const std::string& name : file.header)
    names += (names.empty() ? "" : std::string(1, separator)) + name;
  if (FirstLine(file.path) != names) return;
  throw DataError(file.path + ": line 1: expected a row, since the columns were named for a file without a " +
                  "header, found these names. Leave the names out of the settings: the file has them.");
}

std::vector<std::string> RawNames(const TableFile& file) {
  if (!file.header.empty()) {
    CheckHasNoHeader(file);
    return file.header;
  }
  if (file.format == TableFormat::kParquet) {
    std::shared_ptr<arrow::Schema> schema;
    ThrowIfFailed(OpenParquet(file.path)->GetSchema(&schema), file.path, "cannot read the schema");
    return schema->field_names();
  }
  return OpenText(file, {}, std::make_shared<RaggedRow>())->schema()->field_names();
}

}  // namespace

struct TableReader::State {
  TableFile file;
  std::vector<std::string> columns;
  std::shared_ptr<RaggedRow> ragged = std::make_shared<RaggedRow>();
  std::unique_ptr<parquet::arrow::FileReader> parquet_file;  // outlives its batches
  std::shared_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::RecordBatch> batch;  // what the cells of the last block point into
  std::vector<ColumnText> texts;
  int64_t rows_before = 0;
};

std::vector<std::string> ReadColumnNames(const TableFile& file) {
  return CleanNames(file.path, file.format, RawNames(file));
}

TableReader::TableReader(const TableFile& file, const std::vector<std::string>& columns)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  const std::string& path = file.path;
  state.file = file;
  state.columns = columns;
  state.texts.resize(columns.size());
  const std::vector<std::string> raw = RawNames(file), names = CleanNames(path, file.format, raw);
  std::vector<std::string> raw_columns;
  std::vector<int> indices;
  for (const std::string& column : columns) {
    const auto found = std::find(names.begin(), names.end(), column);
    PPR_BUG_IF_NOT(found != names.end(), "column " + column + " is not in " + path);
    indices.push_back(static_cast<int>(found - names.begin()));
    raw_columns.push_back(raw[indices.back()]);
  }
  if (file.format != TableFormat::kParquet) {
    state.batches = OpenText(file, raw_columns, state.ragged);
    return;
  }
  state.parquet_file = OpenParquet(path);
  std::shared_ptr<arrow::Schema> schema;
  ThrowIfFailed(state.parquet_file->GetSchema(&schema), path, "cannot read the schema");
  for (const int index : indices) {
    PPR_BUG_IF_NOT(index < schema->num_fields(), path + " has fewer columns than names were given for");
    CheckColumnType(path, *schema->field(index));
  }
  const int num_groups = state.parquet_file->num_row_groups();
  std::vector<int> groups(num_groups);
  for (int group = 0; group < num_groups; ++group) groups[group] = group;
  auto batches = state.parquet_file->GetRecordBatchReader(groups, indices);
  ThrowIfFailed(batches.status(), path, "cannot read the table");
  state.batches = std::move(*batches);
}

TableReader::~TableReader() = default;

bool TableReader::Next(TableBlock* block) {
  State& state = *state_;
  do {
    const auto status = state.batches->ReadNext(&state.batch);
    if (!status.ok() && state.ragged->message()) ThrowRaggedRow(state.file);
    ThrowIfFailed(status, state.file.path,
                  "cannot read past row " + std::to_string(state.rows_before) +
                      " (is the file whole, is the separator right, and does every quote close?)");
    if (state.batch == nullptr) return false;
  } while (state.batch->num_rows() == 0);
  block->first_row = state.rows_before + 1;
  block->num_rows = state.batch->num_rows();
  block->cells.resize(state.columns.size());
  for (size_t i = 0; i < state.columns.size(); ++i) {
    const auto column =
        state.batch->GetColumnByName(state.batch->schema()->field(static_cast<int>(i))->name());
    state.texts[i].Read(*column, &block->cells[i]);
    if (!state.file.missing_text.empty()) Empty(state.file.missing_text, &block->cells[i]);
  }
  state.rows_before += block->num_rows;
  return true;
}

TableFormat TableFormatOf(const std::string& path, TableFormat otherwise) {
  const std::string name = WithoutCompression(path);
  if (name.ends_with(".inter") || name.ends_with(".user") || name.ends_with(".item"))
    return TableFormat::kAtomic;
  if (name.ends_with(".csv")) return TableFormat::kComma;
  if (name.ends_with(".tsv")) return TableFormat::kTab;
  if (name.ends_with(".parquet")) return TableFormat::kParquet;
  return otherwise;
}

}  // namespace ppr::data
