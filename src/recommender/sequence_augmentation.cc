#include "recommender/sequence_augmentation.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ppr::recommender {
namespace {

// What the draws of one sequence are for: each has its own numbers.
enum Draw : uint64_t { kOperation = 1, kStart = 2, kChoice = 3, kLastOnly = 4, kHidden = 5, kForced = 6 };

// Rounded down. A share as it is written may lie a little higher than its nearest double: 0.58 of 50 is 29.
int64_t ShareOf(int64_t count, double share) {
  return static_cast<int64_t>(share * static_cast<double>(count) + 1e-9);
}

// Exchanges elements [first, first + count) of `values` so that every order is equally likely.
template <typename Value>
void Shuffle(RandomKey key, std::vector<Value>* values, int64_t first, int64_t count) {
  for (int64_t i = count - 1; i > 0; --i) {
    const auto j = static_cast<int64_t>(key.Below(static_cast<uint64_t>(i) + 1, static_cast<uint64_t>(i)));
    std::swap((*values)[static_cast<size_t>(first + i)], (*values)[static_cast<size_t>(first + j)]);
  }
}

// Where a stretch of `length` of `count` clicks starts.
int64_t StartOf(RandomKey key, int64_t count, int64_t length) {
  return static_cast<int64_t>(key.With(kStart).Below(static_cast<uint64_t>(count - length) + 1));
}

}  // namespace

ClickView UnchangedView(const data::TrainingSequence& sequence) {
  ClickView view;
  view.places.resize(static_cast<size_t>(sequence.num_clicks()));
  std::iota(view.places.begin(), view.places.end(), sequence.begin);
  view.masked.assign(view.places.size(), false);
  return view;
}

ClickView BehaviourView(RandomKey key, const data::TrainingSequence& sequence,
                        BehaviourAugmentation augmentation, double ratio) {
  ClickView view;
  const bool deletes = augmentation == BehaviourAugmentation::kDelete;
  for (int32_t place = sequence.begin; place < sequence.end; ++place) {
    const bool hit = key.Uniform(static_cast<uint64_t>(place)) < ratio;
    if (hit && deletes && place + 1 < sequence.end) continue;
    view.places.push_back(place);
    view.masked.push_back(hit && !deletes);
  }
  return view;
}

ClickView CroppedMaskedOrReordered(RandomKey key, const data::TrainingSequence& sequence,
                                   const SequenceAugmentation& augmentation) {
  ClickView view = UnchangedView(sequence);
  const int64_t count = sequence.num_clicks();
  if (count == 0) return view;
  switch (key.With(kOperation).Below(3)) {
    case 0: {
      const int64_t length = std::max<int64_t>(1, ShareOf(count, augmentation.crop));
      const int64_t start = StartOf(key, count, length);
      view.places.erase(view.places.begin() + start + length, view.places.end());
      view.places.erase(view.places.begin(), view.places.begin() + start);
      view.masked.resize(view.places.size());
      break;
    }
    case 1: {
      std::vector<int32_t> order(static_cast<size_t>(count));
      std::iota(order.begin(), order.end(), 0);
      Shuffle(key.With(kChoice), &order, 0, count);
      for (int64_t i = 0; i < ShareOf(count, augmentation.mask); ++i)
        view.masked[static_cast<size_t>(order[static_cast<size_t>(i)])] = true;
      break;
    }
    default: {
      const int64_t length = ShareOf(count, augmentation.reorder);
      Shuffle(key.With(kChoice), &view.places, StartOf(key, count, length), length);
    }
  }
  return view;
}

std::vector<bool> HiddenClicks(RandomKey key, const data::TrainingSequence& sequence,
                               const MaskedItems& masked) {
  const int64_t count = sequence.num_clicks();
  std::vector<bool> hidden(static_cast<size_t>(count), false);
  if (count == 0) return hidden;
  if (key.With(kLastOnly).Uniform() < masked.last_share) {
    hidden.back() = true;
    return hidden;
  }
  bool any = false;
  const RandomKey each = key.With(kHidden);
  for (int64_t i = 0; i < count; ++i) {
    const bool hides = each.Uniform(static_cast<uint64_t>(i)) < masked.mask_prob;
    hidden[static_cast<size_t>(i)] = hides;
    any = any || hides;
  }
  if (!any) hidden[key.With(kForced).Below(static_cast<uint64_t>(count))] = true;
  return hidden;
}

const settings::NameTable<BehaviourAugmentation>& NamesOf(BehaviourAugmentation) {
  static const settings::NameTable<BehaviourAugmentation> names = {{"delete", BehaviourAugmentation::kDelete},
                                                                   {"zero", BehaviourAugmentation::kZero}};
  return names;
}

void Describe(settings::Settings& settings, SequenceAugmentation& config) {
  settings.Add(&config.weight, {.flag = "cl4srec_weight",
                                .help = "cl4srec: weight of its contrastive loss",
                                .key = "weight",
                                .alias = "pair_weight",
                                .limits = settings::NotNegative(1e6)});
  settings.Add(&config.temperature, {.flag = "cl4srec_temperature",
                                     .help = "cl4srec: temperature of its contrastive loss",
                                     .key = "temperature",
                                     .alias = "pair_temperature",
                                     .limits = settings::Temperature()});
  settings.Add(&config.crop, {.flag = "cl4srec_crop",
                              .help = "cl4srec: share of the clicks that a crop keeps",
                              .key = "crop",
                              .alias = "crop_share",
                              .limits = settings::ShareAboveZero()});
  settings.Add(&config.mask, {.flag = "cl4srec_mask",
                              .help = "cl4srec: share of the clicks that a mask hides",
                              .key = "mask",
                              .alias = "mask_share",
                              .limits = settings::ShareBelowOne()});
  settings.Add(&config.reorder, {.flag = "cl4srec_reorder",
                                 .help = "cl4srec: share of the clicks that a reordering shuffles",
                                 .key = "reorder",
                                 .alias = "reorder_share",
                                 .limits = settings::AnyShare()});
}

void Describe(settings::Settings& settings, MaskedItems& config) {
  settings.Add(&config.mask_prob, {.flag = "mask_prob",
                                   .help = "bert4rec: a click is hidden with this probability",
                                   .key = "ratio",
                                   .alias = "hidden_ratio",
                                   .limits = settings::InnerShare()});
  settings.Add(&config.last_share,
               {.flag = "mask_last_prob",
                .help = "bert4rec: share of the sequences in which the newest click alone is",
                .key = "last_share",
                .alias = "hidden_last_share",
                .limits = settings::AnyShare()});
}

}  // namespace ppr::recommender
