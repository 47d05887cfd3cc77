// One table of embeddings for each profile field, for the competitors that read profiles beside items.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/dense_parameters.h"

namespace ppr::model {

class ProfileTables {
 public:
  // Declares "<owner>.table.<field>" [vocabulary_sizes[field], width] under kPretrained. `parameters` must
  // outlive this.
  ProfileTables(const std::string& owner, const std::vector<int64_t>& vocabulary_sizes, int64_t width,
                DenseParameters& parameters);

  // codes [B, m] int64 -> the fields' rows side by side, [B, m*d]; [B, 0] without fields.
  at::Tensor Features(const at::Tensor& codes) const;

  int64_t feature_width() const { return static_cast<int64_t>(tables_.size()) * width_; }

 private:
  int64_t width_;
  std::vector<int> tables_;  // [m] parameter indices
  const DenseParameters& parameters_;
};

}  // namespace ppr::model
