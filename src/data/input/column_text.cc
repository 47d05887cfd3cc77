#include "data/input/column_text.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <charconv>

#include "base/errors.h"

namespace ppr::data {
namespace {

// Longest text of a 64-bit integer or of a double in shortest form, with room to spare.
constexpr size_t kNumberBytes = 32;

template <typename ArrayType>
void ReadTexts(const arrow::Array& column, std::vector<std::string_view>* cells) {
  const auto& texts = static_cast<const ArrayType&>(column);
  if (texts.null_count() == 0) {
    for (int64_t row = 0; row < texts.length(); ++row) (*cells)[row] = texts.GetView(row);
    return;
  }
  for (int64_t row = 0; row < texts.length(); ++row) {
    (*cells)[row] = texts.IsNull(row) ? std::string_view() : texts.GetView(row);
  }
}

template <typename ArrayType>
void ReadNumbers(const arrow::Array& column, std::vector<char>* text, std::vector<std::string_view>* cells) {
  const auto& numbers = static_cast<const ArrayType&>(column);
  text->resize(static_cast<size_t>(numbers.length()) * kNumberBytes);
  for (int64_t row = 0; row < numbers.length(); ++row) {
    (*cells)[row] = {};
    if (numbers.IsNull(row)) continue;
    char* const start = text->data() + static_cast<size_t>(row) * kNumberBytes;
    const auto end = std::to_chars(start, start + kNumberBytes, numbers.Value(row));
    PPR_BUG_IF_NOT(end.ec == std::errc(), "a number needs more than 32 bytes");
    (*cells)[row] = {start, static_cast<size_t>(end.ptr - start)};
  }
}

// A categorical column: each row names an entry of a dictionary of texts or numbers.
void ReadDictionary(const arrow::Array& column, ColumnText* values, std::vector<std::string_view>* cells) {
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(column);
  std::vector<std::string_view> entries;
  values->Read(*encoded.dictionary(), &entries);
  for (int64_t row = 0; row < encoded.length(); ++row) {
    (*cells)[row] = encoded.IsNull(row) ? std::string_view() : entries[encoded.GetValueIndex(row)];
  }
}

bool IsReadable(const arrow::DataType& type) {
  using arrow::Type;
  switch (type.id()) {
    case Type::STRING:
    case Type::BINARY:
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64:
    case Type::FLOAT:
    case Type::DOUBLE:
    case Type::TIMESTAMP:
    case Type::DATE32:
    case Type::DATE64:
    case Type::NA:
      return true;
    case Type::DICTIONARY: {
      const auto& values = *static_cast<const arrow::DictionaryType&>(type).value_type();
      return values.id() != Type::DICTIONARY && IsReadable(values);
    }
    default:
      return false;
  }
}

}  // namespace

void CheckColumnType(const std::string& path, const arrow::Field& field) {
  if (IsReadable(*field.type())) return;
  throw DataError(path + ": column " + field.name() +
                  ": expected text, whole numbers, floats, dates or categories, found " +
                  field.type()->ToString() + ". Convert the column first.");
}

void ColumnText::Read(const arrow::Array& column, std::vector<std::string_view>* cells) {
  using arrow::Type;
  cells->resize(static_cast<size_t>(column.length()));
  switch (column.type_id()) {
    case Type::STRING:
      return ReadTexts<arrow::StringArray>(column, cells);
    case Type::BINARY:
      return ReadTexts<arrow::BinaryArray>(column, cells);
    case Type::LARGE_STRING:
      return ReadTexts<arrow::LargeStringArray>(column, cells);
    case Type::LARGE_BINARY:
      return ReadTexts<arrow::LargeBinaryArray>(column, cells);
    case Type::INT8:
      return ReadNumbers<arrow::Int8Array>(column, &text_, cells);
    case Type::INT16:
      return ReadNumbers<arrow::Int16Array>(column, &text_, cells);
    case Type::INT32:
      return ReadNumbers<arrow::Int32Array>(column, &text_, cells);
    case Type::INT64:
      return ReadNumbers<arrow::Int64Array>(column, &text_, cells);
    case Type::UINT8:
      return ReadNumbers<arrow::UInt8Array>(column, &text_, cells);
    case Type::UINT16:
      return ReadNumbers<arrow::UInt16Array>(column, &text_, cells);
    case Type::UINT32:
      return ReadNumbers<arrow::UInt32Array>(column, &text_, cells);
    case Type::UINT64:
      return ReadNumbers<arrow::UInt64Array>(column, &text_, cells);
    case Type::FLOAT:
      return ReadNumbers<arrow::FloatArray>(column, &text_, cells);
    case Type::DOUBLE:
      return ReadNumbers<arrow::DoubleArray>(column, &text_, cells);
    case Type::TIMESTAMP:
      return ReadNumbers<arrow::TimestampArray>(column, &text_, cells);
    case Type::DATE32:
      return ReadNumbers<arrow::Date32Array>(column, &text_, cells);
    case Type::DATE64:
      return ReadNumbers<arrow::Date64Array>(column, &text_, cells);
    case Type::DICTIONARY:
      return ReadDictionary(column, this, cells);
    case Type::NA:
      return cells->assign(static_cast<size_t>(column.length()), std::string_view());
    default:
      break;
  }
  throw BugError("a column of type " + column.type()->ToString() + " passed CheckColumnType");
}

}  // namespace ppr::data
