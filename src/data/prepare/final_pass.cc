#include "data/prepare/final_pass.h"

#include <algorithm>

#include "base/errors.h"
#include "base/text_format.h"
#include "data/prepare/run_on_threads.h"

namespace ppr::data {
namespace {

// Large enough for few and long writes, small beside any budget.
constexpr size_t kChunkClicks = 1 << 20;

}  // namespace

FinalPass::FinalPass(const PrepareConfig& config, int num_threads, const ClickSelection& selection,
                     const std::vector<int32_t>& final_items, Dataset* dataset, PrepareReport* report,
                     DatasetWriter* writer)
    : config_(config),
      selection_(selection),
      final_items_(final_items),
      dataset_(*dataset),
      report_(*report),
      writer_(*writer),
      drawers_(static_cast<size_t>(num_threads),
               CandidateDrawer(config.seed, static_cast<int32_t>(dataset->num_items()))) {
  EvaluationCases& cases = dataset_.cases;
  cases.seed = config.seed;
  cases.num_candidates = config.num_candidates;
  cases.candidates.resize(cases.part.size() * static_cast<size_t>(config.num_candidates));
  for (int part = 0; part <= static_cast<int>(CasePart::kTest); ++part) {
    const auto [first, last] =
        std::equal_range(cases.part.begin(), cases.part.end(), static_cast<CasePart>(part));
    next_case_.push_back(first - cases.part.begin());
    end_case_.push_back(last - cases.part.begin());
  }
}

void FinalPass::Add(std::span<const Click> range) {
  ForEachUser(range, [&](std::span<const Click> clicks) {
    kept_.clear();
    selection_.Keep(clicks, &kept_);
    if (kept_.empty()) return;
    const size_t first = times_.size();
    for (const Click& click : kept_) {
      items_.push_back(final_items_[click.item]);
      times_.push_back(click.time);
    }
    CountTies(std::span(times_).subspan(first), dataset_.user_part[next_user_] != UserPart::kWarm);
    ++next_user_;
    if (times_.size() >= kChunkClicks) FlushChunk();
  });
}

void FinalPass::Finish() {
  FlushChunk();
  PPR_BUG_IF_NOT(next_user_ == dataset_.num_users(), "users were lost");
}

void FinalPass::FlushChunk() {
  writer_.AppendClicks(items_, times_);
  DrawCandidates();
  items_.clear();
  times_.clear();
  chunk_first_ = next_user_;
}

void FinalPass::CountTies(std::span<const int64_t> times, bool is_cold) {
  for (size_t i = 0; i < times.size(); ++i) {
    const bool tied =
        (i > 0 && times[i] == times[i - 1]) || (i + 1 < times.size() && times[i] == times[i + 1]);
    report_.tied_rows += tied ? 1 : 0;
    report_.cold_tied_rows += tied && is_cold ? 1 : 0;
  }
}

std::span<const int32_t> FinalPass::HistoryOf(int64_t user) const {
  const int64_t chunk_start = dataset_.offsets[chunk_first_];
  return std::span(items_).subspan(static_cast<size_t>(dataset_.offsets[user] - chunk_start),
                                   static_cast<size_t>(dataset_.offsets[user + 1] - dataset_.offsets[user]));
}

void FinalPass::DrawCandidates() {
  const std::vector<int32_t>& case_users = dataset_.cases.user;
  for (size_t part = 0; part < next_case_.size(); ++part) {
    const auto begin = case_users.begin() + next_case_[part], end = case_users.begin() + end_case_[part];
    const int64_t first = next_case_[part], count = std::lower_bound(begin, end, next_user_) - begin;
    const auto num_threads = static_cast<int64_t>(drawers_.size());
    if (count > 0) {
      RunOnThreads(static_cast<int>(num_threads), [&](int thread) {
        DrawCases(first + count * thread / num_threads, first + count * (thread + 1) / num_threads,
                  &drawers_[thread]);
      });
    }
    next_case_[part] += count;
  }
}

void FinalPass::DrawCases(int64_t first_case, int64_t last_case, CandidateDrawer* drawer) {
  EvaluationCases& cases = dataset_.cases;
  for (int64_t i = first_case; i < last_case; ++i) {
    const int64_t user = cases.user[i];
    if (i == first_case || user != cases.user[i - 1]) {
      drawer->StartUser(HistoryOf(user));
      const int64_t others = dataset_.num_items() - drawer->num_own();
      if (others < cases.num_candidates) {
        throw DataError(config_.interactions + ": user " + dataset_.user_ids[user] + " has clicked " +
                        WithThousands(drawer->num_own()) + " of " + WithThousands(dataset_.num_items()) +
                        " items: expected " + std::to_string(cases.num_candidates) +
                        " others as candidates, found " + std::to_string(others) +
                        ". Lower --num_candidates to at most " + std::to_string(others) +
                        ", or filter less.");
      }
    }
    const auto width = static_cast<size_t>(cases.num_candidates);
    drawer->Draw(dataset_.user_ids[user], cases.position[i],
                 std::span(cases.candidates).subspan(static_cast<size_t>(i) * width, width));
  }
}

}  // namespace ppr::data
