// The last walk over the clicks: final numbers, tie counts, clicks to the file, candidates for the cases; a
// bounded number of whole users at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset_writer.h"
#include "data/prepare/candidates.h"
#include "data/prepare/click_selection.h"
#include "data/prepare/prepare.h"

namespace ppr::data {

class FinalPass {
 public:
  // `final_items`: [raw items] 1..V. `dataset` has everything but items, times and candidates; its candidates
  // are filled. All references outlive this.
  FinalPass(const PrepareConfig& config, int num_threads, const ClickSelection& selection,
            const std::vector<int32_t>& final_items, Dataset* dataset, PrepareReport* report,
            DatasetWriter* writer);

  // Clicks of whole users, in order; call until all are given, then Finish().
  void Add(std::span<const Click> range);
  void Finish();

 private:
  void FlushChunk();
  void CountTies(std::span<const int64_t> times, bool is_cold);
  void DrawCandidates();
  void DrawCases(int64_t first_case, int64_t last_case, CandidateDrawer* drawer);
  std::span<const int32_t> HistoryOf(int64_t user) const;

  const PrepareConfig& config_;
  const ClickSelection& selection_;
  const std::vector<int32_t>& final_items_;
  Dataset& dataset_;
  PrepareReport& report_;
  DatasetWriter& writer_;
  std::vector<CandidateDrawer> drawers_;       // [threads]
  std::vector<int64_t> next_case_, end_case_;  // by part: cases of users that were not reached yet

  // The chunk: clicks of users [chunk_first_, next_user_).
  int64_t chunk_first_ = 0, next_user_ = 0;
  std::vector<int32_t> items_;
  std::vector<int64_t> times_;
  std::vector<Click> kept_;  // of one user
};

}  // namespace ppr::data
