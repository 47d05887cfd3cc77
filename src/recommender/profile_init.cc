#include "recommender/profile_init.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace ppr::recommender {
namespace {

// Sums over warm users' clicks on this rank's items, by profile value of one field; row `codes` is the sum
// over all values. Columns: d sums, then the number of clicks. [codes + 1, d + 1] f64.
at::Tensor SumsByValue(const data::Dataset& dataset, const model::ItemTable& table, int64_t column,
                       int64_t codes) {
  const int64_t width = table.rows.size(1);
  at::Tensor sums = at::zeros({codes + 1, width + 1}, at::kDouble);
  double* const sum = sums.data_ptr<double>();
  const float* const rows = table.rows.const_data_ptr<float>();
  const auto add = [&](int64_t code, const float* row) {
    double* const to = sum + code * (width + 1);
    for (int64_t k = 0; k < width; ++k) to[k] += static_cast<double>(row[k]);
    to[width] += 1;
  };
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    if (dataset.user_part[static_cast<size_t>(user)] != data::UserPart::kWarm) continue;
    const int64_t code = dataset.profile(user)[static_cast<size_t>(column)];
    for (const int32_t item : dataset.training_history(user)) {
      if (table.owners.owner(item) != table.rank) continue;
      const float* const row = rows + table.owners.slot(item) * width;
      add(code, row);
      add(codes, row);
    }
  }
  return sums;
}

// [codes, d] f32 from summed sums.
at::Tensor MeansFromSums(const at::Tensor& sums) {
  const int64_t codes = sums.size(0) - 1;
  const int64_t width = sums.size(1) - 1;
  const at::Tensor counts = sums.narrow(1, width, 1);
  const at::Tensor means = sums.narrow(1, 0, width) / counts.clamp_min(1.0);
  at::Tensor table =
      at::where(counts.narrow(0, 0, codes) > 0, means.narrow(0, 0, codes), means.narrow(0, codes, 1));
  table.select(0, 0).zero_();
  return table.to(at::kFloat);
}

}  // namespace

void InitialiseProfileTables(const data::Dataset& dataset, Recommender& recommender) {
  const c10::NoGradGuard no_gradients;
  const ProfileInput& profile = recommender.profile();
  for (const auto& [parameter, field] : recommender.prompt()->tables()) {
    const auto f = static_cast<size_t>(field);
    at::Tensor sums =
        SumsByValue(dataset, recommender.table(), profile.columns[f], profile.vocabulary_sizes[f]);
    recommender.communicator().AllReduce(sums);
    recommender.parameters()[parameter].copy_(MeansFromSums(sums));
  }
}

}  // namespace ppr::recommender
