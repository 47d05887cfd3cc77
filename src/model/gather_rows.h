// Rows of a matrix by index, with a backward pass that is deterministic and parallel: places are sorted
// by row and each row's gradient is summed in their order, by one thread.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace ppr::model {

// The inverse of an index: the places at which each row occurs, ascending within a row, as in compressed
// sparse rows (CSR). A counting sort.
struct InvertedIndex {
  InvertedIndex() = default;
  // index [n]: rows in [0, rows), or -1 for none (skipped). BugError names the first that is neither.
  InvertedIndex(const int64_t* index, int64_t n, int64_t rows);

  std::vector<int64_t> starts;  // [rows + 1]: row r's places are places[starts[r]..starts[r+1])
  std::vector<int64_t> places;  // [n without -1]
};

// source [R, d]; index int64 of any shape, values in [0, R) or -1. Returns [index's shape..., d]: row
// index[i] of source, or zeros where index is -1. Differentiable in source.
at::Tensor GatherRows(const at::Tensor& source, const at::Tensor& index);

}  // namespace ppr::model
