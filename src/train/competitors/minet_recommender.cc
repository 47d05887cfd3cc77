#include "train/competitors/minet_recommender.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/random.h"
#include "model/score_loss.h"
#include "recommender/source_users.h"
#include "train/autograd_pass.h"

namespace ppr::train {
namespace {

// A rank's packed share of a batch.
struct MinetShare {
  MinetRecommender::Clicks clicks;
  std::vector<int64_t> targets;         // [B * 2] each a click and a negative
  std::vector<int64_t> source_users;    // places in clicks.users of those with source clicks
  std::vector<int64_t> source_targets;  // [source_users * 2]
};

void AppendIds(const MinetRecommender::Clicks& clicks, std::vector<int64_t>* ids) {
  ids->insert(ids->end(), clicks.target_rows.begin(), clicks.target_rows.end());
  ids->insert(ids->end(), clicks.source_rows.begin(), clicks.source_rows.end());
}

at::Tensor Slice(const std::vector<int64_t>& values, size_t first, size_t count) {
  return at::tensor(at::ArrayRef<int64_t>(values).slice(first, count), at::kLong);
}

// The loss of a share.
AutogradPass::Loss LossOf(MinetRecommender& recommender, model::NextItemLoss kind, const MinetShare& share,
                          const AutogradPass::Inputs& inputs) {
  const model::MinetBatch batch = recommender.BatchOf(share.clicks, inputs.rows, inputs.row_of_id, 2);
  const at::Tensor loss = model::CandidateLossSum(kind, recommender.minet().Scores(batch));
  at::Tensor joint = loss;
  if (!share.source_users.empty()) {
    const size_t count = share.source_targets.size();
    const at::Tensor of_source =
        Slice(inputs.row_of_id, inputs.row_of_id.size() - count, count).view({-1, 2});
    model::MinetBatch of_source_users = batch;
    of_source_users.codes = batch.codes.index_select(0, at::tensor(share.source_users, at::kLong));
    joint =
        joint + model::CandidateLossSum(kind, recommender.minet().SourceScores(of_source_users, of_source));
  }
  return {.total = joint / static_cast<double>(inputs.counts.global_targets),
          .loss_sum = loss.item<double>()};
}

}  // namespace

MinetRecommender::MinetRecommender(dist::Communicator& communicator, const data::Dataset& dataset,
                                   const data::Dataset& source, const recommender::ProfileInput& profile,
                                   const MinetSettings& settings, int64_t width, double init_std,
                                   uint64_t seed)
    : PairScorer(communicator, dataset, profile, dataset.num_items() + source.num_items(), width, init_std,
                 seed),
      source_(source),
      settings_(settings),
      source_users_(recommender::SourceUsers(source, dataset)) {
  minet_ =
      std::make_unique<model::MinetModel>(model::MinetConfig{}, width, profile.vocabulary_sizes, parameters_);
  parameters_.Allocate();
}

void MinetRecommender::AppendClicks(int32_t user, int64_t position, Clicks* clicks) const {
  clicks->users.push_back(user);
  const auto history = dataset_.history(user).first(static_cast<size_t>(position));
  for (const int32_t item :
       history.last(std::min(history.size(), static_cast<size_t>(settings_.target_clicks))))
    clicks->target_rows.push_back(item);
  clicks->target_offsets.push_back(static_cast<int64_t>(clicks->target_rows.size()));
  if (const int32_t source_user = SourceUser(user); source_user >= 0) {
    const auto clicked = source_.history(source_user);
    for (const int32_t item :
         clicked.last(std::min(clicked.size(), static_cast<size_t>(settings_.source_clicks))))
      clicks->source_rows.push_back(SourceRow(item));
  }
  clicks->source_offsets.push_back(static_cast<int64_t>(clicks->source_rows.size()));
}

model::MinetBatch MinetRecommender::BatchOf(const Clicks& clicks, const at::Tensor& rows,
                                            const std::vector<int64_t>& row_of_id,
                                            int64_t targets_each) const {
  const size_t target_clicks = clicks.target_rows.size(), source_clicks = clicks.source_rows.size();
  const auto users = static_cast<int64_t>(clicks.users.size());
  return {
      .codes = CodesOf(clicks.users),
      .rows = rows,
      .target_clicks = {clicks.target_offsets, Slice(row_of_id, 0, target_clicks)},
      .source_clicks = {clicks.source_offsets, Slice(row_of_id, target_clicks, source_clicks)},
      .targets = Slice(row_of_id, target_clicks + source_clicks, static_cast<size_t>(users * targets_each))
                     .view({users, targets_each})};
}

at::Tensor MinetRecommender::Score(std::span<const int64_t> cases, const std::vector<int64_t>& items) {
  const c10::NoGradGuard no_gradients;
  Clicks clicks;
  for (const int64_t index : cases) {
    const auto at = static_cast<size_t>(index);
    AppendClicks(dataset_.cases.user[at], dataset_.cases.position[at], &clicks);
  }
  std::vector<int64_t> ids, row_of_id;
  AppendIds(clicks, &ids);
  ids.insert(ids.end(), items.begin(), items.end());
  const at::Tensor rows = FetchRows(ids, &row_of_id);
  const int64_t each = 1 + dataset_.cases.num_candidates;
  if (cases.empty()) return at::empty({0, each});
  return minet_->Scores(BatchOf(clicks, rows, row_of_id, each));
}

std::unique_ptr<GradientPass> MinetObjective::Pack(const GlobalBatch& batch, bool trains_rows) {
  const RandomKey step_key =
      MakeRandomKey(seed_, RandomSite::kSourceClick).With(static_cast<uint64_t>(batch.step));
  MinetShare share;
  std::vector<int64_t> ids;
  for (const data::TrainingSequence& sequence : DealtTo(recommender_.communicator(), batch)) {
    const int32_t user = sequence.user;
    recommender_.AppendClicks(user, sequence.end, &share.clicks);
    int64_t negative = 0;
    negatives_.Draw(batch.epoch, user, sequence.end, std::span(&negative, 1));
    share.targets.push_back(recommender_.dataset().training_history(user)[static_cast<size_t>(sequence.end)]);
    share.targets.push_back(negative);
    const int32_t source_user = recommender_.SourceUser(user);
    if (source_user < 0) continue;
    const auto clicked = recommender_.source().training_history(source_user);
    if (clicked.empty()) continue;  // what the source keeps for its own evaluation is not trained on
    const RandomKey key = step_key.With(static_cast<uint64_t>(user));
    const uint64_t place = key.Below(clicked.size(), static_cast<uint64_t>(sequence.end));
    source_negatives_.Draw(batch.epoch, source_user, static_cast<int64_t>(place), std::span(&negative, 1));
    share.source_users.push_back(static_cast<int64_t>(share.clicks.users.size()) - 1);
    share.source_targets.push_back(recommender_.SourceRow(clicked[place]));
    share.source_targets.push_back(recommender_.SourceRow(negative));
  }
  AppendIds(share.clicks, &ids);
  ids.insert(ids.end(), share.targets.begin(), share.targets.end());
  ids.insert(ids.end(), share.source_targets.begin(), share.source_targets.end());
  return std::make_unique<AutogradPass>(recommender_, std::move(ids),
                                        AutogradPass::Rows{.trained = trains_rows},
                                        [this, share = std::move(share)](const AutogradPass::Inputs& inputs) {
                                          return LossOf(recommender_, loss_, share, inputs);
                                        });
}

void Describe(settings::Settings& settings, MinetSettings& config) {
  constexpr int64_t kMost = 10'000;
  settings.Add(&config.target_clicks, {.flag = "target_clicks",
                                       .help = "minet: newest clicks of the dataset that it attends to",
                                       .limits = settings::Between(1, kMost)});
  settings.Add(&config.source_clicks, {.flag = "source_clicks",
                                       .help = "minet: newest clicks of the other domain that it attends to",
                                       .limits = settings::Between(1, kMost)});
}

}  // namespace ppr::train
