// The state of training as one list of named tensors. Model, optimiser and stage each append what is theirs;
// writing, restoring and resharding walk the list. Nobody keeps a second one.
//
// The names are those of the file (docs/file-formats.md): a model's stand alone, and what only a resumed run
// needs stands under "optimizer/", where whoever reads a model for scoring passes it over.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ppr::checkpoint {

// How ranks hold a tensor.
enum class Cut {
  // The same on all ranks, bit for bit.
  kWhole,
  // Dimension 0 is OwnerMap(V, W).num_rows(rank): this rank's rows in slot order.
  kByRows,
};

struct StateTensor {
  std::string name;   // "dense/encoder.block0.ffn1.weight", "items/rows"
  at::Tensor tensor;  // f32, f64 or int64, CPU, contiguous; a view of a larger buffer will do
  Cut cut = Cut::kWhole;
  // Set when rows of `tensor` (cut by rows) wait for steps that they skipped: fills `rows` [n, ...] with rows
  // first .. first + n - 1 as they are once brought up to date, and leaves `tensor` alone. A checkpoint then
  // holds both: what it makes under `name`, and `tensor` under AtLastStep(name). Gives the same bits whenever
  // it is called.
  std::function<void(int64_t first, const at::Tensor& rows)> up_to_date = {};
};

using TrainingState = std::vector<StateTensor>;

inline constexpr char kItemRows[] = "items/rows";
inline constexpr char kResumeOnly[] = "optimizer/";

inline std::string DenseTensor(const std::string& parameter) { return "dense/" + parameter; }
// A moment of a tensor of the model: "optimizer/m/items/rows".
inline std::string MomentOf(const std::string& tensor, const std::string& moment) {
  return kResumeOnly + moment + "/" + tensor;
}
// The rows of a tensor as training left them, each at its own last step.
inline std::string AtLastStep(const std::string& tensor) { return MomentOf(tensor, "at_last_step"); }

}  // namespace ppr::checkpoint
