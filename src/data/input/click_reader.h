// The click log as (user text, item text, time), block by block, whatever the format of the file; rows that
// the settings do not want are dropped and counted.
//
// Errors: StorageError when the file cannot be opened; DataError (file, row or line, column, expected, found,
// what to do).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "data/input/input_config.h"
#include "data/input/row_filter.h"

namespace ppr::data {

struct ClickBlock {
  std::vector<std::string_view> users, items;  // [n] valid until the next Next()
  std::vector<int64_t> times;                  // [n] 0 when the log has none
};

class ClickReader {
 public:
  virtual ~ClickReader() = default;
  // The rows that pass the filters; false at the end of the log.
  virtual bool Next(ClickBlock* block) = 0;
  virtual bool has_times() const = 0;

  int64_t rows_read() const { return rows_read_; }
  const DroppedRows& dropped() const { return dropped_; }

 protected:
  int64_t rows_read_ = 0;
  DroppedRows dropped_;
};

// `config` outlives the reader.
std::unique_ptr<ClickReader> OpenClicks(const InputConfig& config);

}  // namespace ppr::data
