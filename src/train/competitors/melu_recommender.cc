#include "train/competitors/melu_recommender.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/random.h"
#include "train/autograd_pass.h"

namespace ppr::train {
namespace {

// Pairs of items of one batch, user after user.
struct PairList {
  std::vector<int64_t> offsets = {0};
  std::vector<int64_t> clicked, negatives;  // item ids

  void Append(const data::NegativeSampler& sampler, int64_t epoch, int32_t user, int64_t position,
              int64_t item) {
    clicked.push_back(item);
    negatives.push_back(0);
    sampler.Draw(epoch, user, position, std::span(&negatives.back(), 1));
  }
  // A known click at evaluation, where the sampler knows no clicks of the user: a negative that is one is
  // drawn again. After so many draws there is hardly anything else, and it stays.
  void AppendKnown(const data::NegativeSampler& sampler, int32_t user, std::span<const int32_t> known,
                   int64_t position) {
    constexpr int64_t kMostDraws = 100;
    Append(sampler, 0, user, position, known[static_cast<size_t>(position)]);
    for (int64_t draw = 1; draw < kMostDraws; ++draw) {
      if (std::find(known.begin(), known.end(), negatives.back()) == known.end()) return;
      sampler.Draw(draw, user, position, std::span(&negatives.back(), 1));
    }
  }
  void EndUser() { offsets.push_back(static_cast<int64_t>(clicked.size())); }
  int64_t size() const { return static_cast<int64_t>(clicked.size()); }
};

// A rank's packed share of a batch.
struct MeluShare {
  std::vector<int32_t> users;
  PairList support, query;
};

void AppendIds(const PairList& pairs, std::vector<int64_t>* ids) {
  ids->insert(ids->end(), pairs.clicked.begin(), pairs.clicked.end());
  ids->insert(ids->end(), pairs.negatives.begin(), pairs.negatives.end());
}

// The rows of `pairs`, which begin at place `first` of row_of_id; `first` is moved past them.
model::ClickPairs RowsOf(const PairList& pairs, const std::vector<int64_t>& row_of_id, int64_t* first) {
  const at::Tensor rows = at::tensor(at::ArrayRef<int64_t>(row_of_id).slice(
                                         static_cast<size_t>(*first), static_cast<size_t>(2 * pairs.size())),
                                     at::kLong);
  *first += 2 * pairs.size();
  return {pairs.offsets, rows.narrow(0, 0, pairs.size()), rows.narrow(0, pairs.size(), pairs.size())};
}

// The loss of a share.
AutogradPass::Loss LossOf(MeluRecommender& recommender, const MeluShare& share,
                          const AutogradPass::Inputs& inputs) {
  int64_t first = 0;
  model::MeluBatch batch{
      .codes = recommender.CodesOf(share.users), .rows = inputs.rows, .support = {}, .query = {}};
  batch.support = RowsOf(share.support, inputs.row_of_id, &first);
  batch.query = RowsOf(share.query, inputs.row_of_id, &first);
  const at::Tensor loss = recommender.melu().QueryLossSum(batch);
  return {.total = loss / static_cast<double>(inputs.counts.global_targets), .loss_sum = loss.item<double>()};
}

}  // namespace

MeluRecommender::MeluRecommender(dist::Communicator& communicator, const data::Dataset& dataset,
                                 const recommender::ProfileInput& profile,
                                 const data::NegativeSampler& negatives, const MeluSettings& settings,
                                 model::NextItemLoss loss, int64_t width, double init_std, uint64_t seed)
    : PairScorer(communicator, dataset, profile, dataset.num_items(), width, init_std, seed),
      negatives_(negatives),
      settings_(settings) {
  const model::MeluConfig config{
      .local_steps = settings.local_steps, .local_rate = settings.local_rate, .loss = loss};
  melu_ = std::make_unique<model::MeluModel>(config, width, profile.vocabulary_sizes, parameters_);
  parameters_.Allocate();
}

at::Tensor MeluRecommender::Score(std::span<const int64_t> cases, const std::vector<int64_t>& items) {
  const c10::NoGradGuard no_gradients;
  std::vector<int32_t> users;
  PairList support;
  for (const int64_t index : cases) {
    const auto at = static_cast<size_t>(index);
    const int32_t user = dataset_.cases.user[at];
    const int64_t end = dataset_.cases.position[at];
    const auto known = dataset_.history(user).first(static_cast<size_t>(end));
    users.push_back(user);
    for (int64_t place = std::max<int64_t>(0, end - settings_.support_clicks); place < end; ++place)
      support.AppendKnown(negatives_, user, known, place);
    support.EndUser();
  }
  std::vector<int64_t> ids = items, row_of_id;
  AppendIds(support, &ids);
  const at::Tensor rows = FetchRows(ids, &row_of_id);
  const auto count = static_cast<int64_t>(cases.size());
  const int64_t each = 1 + dataset_.cases.num_candidates;
  if (count == 0) return at::empty({0, each});
  auto first = static_cast<int64_t>(items.size());
  const at::Tensor candidates =
      at::tensor(at::ArrayRef<int64_t>(row_of_id).slice(0, items.size()), at::kLong).view({count, each});
  const model::MeluBatch batch{
      .codes = CodesOf(users), .rows = rows, .support = RowsOf(support, row_of_id, &first), .query = {}};
  return melu_->Scores(batch, candidates);
}

MeluObjective::Task MeluObjective::TaskOf(int64_t epoch, const data::TrainingSequence& sequence) const {
  const int64_t clicks = sequence.end - sequence.begin + 1;  // with the last target
  const int64_t least = sequence.first_click_target ? 0 : 1;
  const int64_t most = std::min(clicks - 1, recommender_.settings().support_clicks);
  const RandomKey key = MakeRandomKey(seed_, RandomSite::kSupportSplit)
                            .With(static_cast<uint64_t>(epoch))
                            .With(static_cast<uint64_t>(sequence.user));
  const auto choices = static_cast<uint64_t>(std::max<int64_t>(1, most - least + 1));
  const auto drawn = static_cast<int64_t>(key.Below(choices, static_cast<uint64_t>(sequence.begin)));
  return {sequence.user, sequence.begin, static_cast<int32_t>(sequence.begin + least + drawn),
          sequence.end + 1};
}

int64_t MeluObjective::NumTargets(const GlobalBatch& batch) const {
  int64_t targets = 0;
  for (const data::TrainingSequence& sequence : batch.sequences) {
    const Task task = TaskOf(batch.epoch, sequence);
    targets += task.end - task.split;
  }
  return targets;
}

std::unique_ptr<GradientPass> MeluObjective::Pack(const GlobalBatch& batch, bool trains_rows) {
  const data::Dataset& dataset = recommender_.dataset();
  MeluShare share;
  std::vector<int64_t> ids;
  for (const data::TrainingSequence& sequence : DealtTo(recommender_.communicator(), batch)) {
    const Task task = TaskOf(batch.epoch, sequence);
    const auto history = dataset.training_history(task.user);
    share.users.push_back(task.user);
    for (int32_t place = task.begin; place < task.end; ++place) {
      PairList& pairs = place < task.split ? share.support : share.query;
      pairs.Append(recommender_.negatives(), batch.epoch, task.user, place,
                   history[static_cast<size_t>(place)]);
    }
    share.support.EndUser();
    share.query.EndUser();
  }
  AppendIds(share.support, &ids);
  AppendIds(share.query, &ids);
  return std::make_unique<AutogradPass>(recommender_, std::move(ids),
                                        AutogradPass::Rows{.trained = trains_rows},
                                        [this, share = std::move(share)](const AutogradPass::Inputs& inputs) {
                                          return LossOf(recommender_, share, inputs);
                                        });
}

void Describe(settings::Settings& settings, MeluSettings& config) {
  settings.Add(&config.local_rate,
               {.flag = "local_rate",
                .help = "melu: learning rate of the steps that adapt a user's decision layers",
                .limits = settings::Positive(100)});
  settings.Add(&config.local_steps, {.flag = "local_steps",
                                     .help = "melu: steps that adapt a user's decision layers",
                                     .limits = settings::Between(0, 1000)});
  settings.Add(&config.support_clicks, {.flag = "support_clicks",
                                        .help = "melu: newest known clicks that they are adapted on",
                                        .limits = settings::Count(1)});
}

}  // namespace ppr::train
