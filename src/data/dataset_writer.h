// Writes dataset.h5 without holding the clicks: they are appended user range by user range, everything else
// comes at the end. The file appears under its name only when Commit() succeeded; until then, and after any
// error, nothing is there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "data/dataset.h"

namespace ppr::data {

class DatasetWriter {
 public:
  // `num_clicks`: how many clicks will be appended in all.
  DatasetWriter(const std::string& path, int64_t num_clicks);
  ~DatasetWriter();
  DatasetWriter(const DatasetWriter&) = delete;
  DatasetWriter& operator=(const DatasetWriter&) = delete;

  // The next clicks in (user, time, tie) order.
  void AppendClicks(std::span<const int32_t> items, std::span<const int64_t> times);
  // Writes all of `dataset` but its items and times, seals and syncs the file and gives it its name.
  void Commit(const Dataset& dataset);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ppr::data
