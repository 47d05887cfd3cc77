#include "report/csv.h"

#include <algorithm>

#include "base/errors.h"

namespace ppr::report {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  std::vector<CsvRecord> Records() {
    std::vector<CsvRecord> records;
    while (!AtEnd()) records.push_back(Record());
    return records;
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  bool Sees(char c) const { return !AtEnd() && text_[at_] == c; }
  bool SeesLineBreak() const { return Sees('\n') || text_.substr(at_, 2) == "\r\n"; }

  CsvRecord Record() {
    CsvRecord record{.line = line_};
    record.fields.push_back(Field());
    while (Sees(',')) {
      ++at_;
      record.fields.push_back(Field());
    }
    if (AtEnd()) return record;
    if (!SeesLineBreak()) Refuse(line_, "a comma or the end of the line after a field");
    at_ += Sees('\n') ? 1 : 2;
    ++line_;
    return record;
  }

  std::string Field() {
    if (Sees('"')) return QuotedField();
    const size_t end = std::min(text_.find_first_of(",\"\r\n", at_), text_.size());
    const std::string_view field = text_.substr(at_, end - at_);
    at_ = end;
    if (Sees('"')) Refuse(line_, "quotes around the whole field or nowhere in it");
    return std::string(field);
  }

  std::string QuotedField() {
    const int64_t opened = line_;
    std::string field;
    for (++at_; !AtEnd(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        if (!Sees('"')) return field;
      }
      if (text_[at_] == '\n') ++line_;
      field += text_[at_];
    }
    Refuse(opened, "a closing quote for the field that begins on this line");
  }

  [[noreturn]] void Refuse(int64_t line, const std::string& expected) const {
    std::string found = "the end of the file";
    if (Sees('\r')) {
      found = "a carriage return without a line feed";
    } else if (!AtEnd()) {
      found = "'" +
              std::string(text_.substr(at_, std::min(text_.find_first_of("\r\n", at_) - at_, size_t{20}))) +
              "'";
    }
    throw DataError(where_ + ", line " + std::to_string(line) + ": expected " + expected + ", found " +
                    found + "; write the file again or correct this line");
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) line += (i > 0 ? "," : "") + CsvField(fields[i]);
  return line + "\r\n";
}

std::vector<CsvRecord> ParseCsv(std::string_view text, const std::string& where) {
  return CsvParser(text, where).Records();
}

}  // namespace ppr::report
