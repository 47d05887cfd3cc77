#include "train/case_validation.h"

#include <ATen/ATen.h>

#include "evaluation/metrics.h"

namespace ppr::train {

evaluation::UserVectors UserVectorsOf(recommender::Recommender& recommender, const data::Dataset& dataset) {
  return [&recommender, &dataset](std::span<const int64_t> cases) {
    std::vector<recommender::ClickSequence> sequences;
    for (const int64_t index : cases) {
      const auto at = static_cast<size_t>(index);
      sequences.push_back({dataset.cases.user[at], 0, dataset.cases.position[at]});
    }
    return recommender.UserVectors(dataset, sequences);
  };
}

std::function<double()> CaseValidation(recommender::Recommender& recommender, const data::Dataset& dataset,
                                       std::vector<int64_t> cases, const TrainingConfig& config) {
  if (cases.empty()) return {};
  return [&recommender, &dataset, cases = std::move(cases), metric = config.metric] {
    const evaluation::CaseResults results =
        evaluation::EvaluateCases(recommender.communicator(), dataset, recommender.table(), cases,
                                  UserVectorsOf(recommender, dataset), false);
    return evaluation::MeansOf(results.candidates).Named(metric);
  };
}

}  // namespace ppr::train
