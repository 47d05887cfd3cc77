// Random changes to a sequence of clicks: what each of them may do, how often it does it, and that a key says
// it all.
#include "recommender/sequence_augmentation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace ppr::recommender {
namespace {

RandomKey Key(uint64_t number) { return MakeRandomKey(3, RandomSite::kTest).With(number); }

// Clicks [begin, begin + count) of a user.
data::TrainingSequence Clicks(int32_t count, int32_t begin = 5) {
  return {.user = 2, .begin = begin, .end = begin + count, .reading = data::Reading::kWhole};
}

std::vector<int32_t> PlacesOf(const data::TrainingSequence& sequence) {
  std::vector<int32_t> places(static_cast<size_t>(sequence.num_clicks()));
  std::iota(places.begin(), places.end(), sequence.begin);
  return places;
}

int64_t NumMasked(const ClickView& view) { return std::count(view.masked.begin(), view.masked.end(), true); }

// Whether `count` hits in `draws` are a share of p: five standard deviations of a binomial.
void ExpectShare(int64_t count, int64_t draws, double p) {
  const double n = static_cast<double>(draws);
  EXPECT_NEAR(static_cast<double>(count) / n, p, 5 * std::sqrt(p * (1 - p) / n));
}

TEST(UnchangedView, IsTheSequence) {
  EXPECT_EQ(UnchangedView(Clicks(4)).places, PlacesOf(Clicks(4)));
  EXPECT_EQ(NumMasked(UnchangedView(Clicks(4))), 0);
  EXPECT_TRUE(UnchangedView(Clicks(0)).places.empty());
}

TEST(BehaviourView, DeletesTheAskedShareButNeverTheNewest) {
  const data::TrainingSequence sequence = Clicks(9);
  int64_t kept = 0;
  constexpr int64_t kDraws = 4000;
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    const ClickView view = BehaviourView(Key(draw), sequence, BehaviourAugmentation::kDelete, 0.3);
    ASSERT_EQ(view.masked.size(), view.places.size());
    EXPECT_EQ(NumMasked(view), 0);
    EXPECT_EQ(view.places.back(), sequence.end - 1);
    EXPECT_TRUE(std::is_sorted(view.places.begin(), view.places.end()));
    kept += static_cast<int64_t>(view.places.size()) - 1;
  }
  ExpectShare(kept, kDraws * 8, 0.7);
}

TEST(BehaviourView, ZeroHidesInPlaceTheNewestIncluded) {
  const data::TrainingSequence sequence = Clicks(9);
  int64_t hidden = 0, newest = 0;
  constexpr int64_t kDraws = 4000;
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    const ClickView view = BehaviourView(Key(draw), sequence, BehaviourAugmentation::kZero, 0.3);
    EXPECT_EQ(view.places, PlacesOf(sequence));
    hidden += NumMasked(view);
    newest += view.masked.back();
  }
  ExpectShare(hidden, kDraws * 9, 0.3);
  ExpectShare(newest, kDraws, 0.3);
}

// The three operations of CL4SRec as they show, for shares under which each of them changes a sequence.
enum Operation { kCrop, kMask, kReorder };

Operation OperationOf(const ClickView& view, const data::TrainingSequence& sequence) {
  if (static_cast<int64_t>(view.places.size()) < sequence.num_clicks()) return kCrop;
  return NumMasked(view) > 0 ? kMask : kReorder;
}

// floor(share * count) for a share in percent, without floating point.
int64_t Percent(int64_t share, int64_t count) { return share * count / 100; }

TEST(CroppedMaskedOrReordered, CountsAreExactSharesAtEveryLength) {
  const SequenceAugmentation augmentation;  // 0.6, 0.5, 0.2
  for (int32_t count = 2; count <= 60; ++count) {
    const data::TrainingSequence sequence = Clicks(count);
    std::set<Operation> seen;
    for (uint64_t draw = 0; draw < 60; ++draw) {
      const ClickView view = CroppedMaskedOrReordered(Key(draw), sequence, augmentation);
      ASSERT_EQ(view.masked.size(), view.places.size());
      const Operation operation = OperationOf(view, sequence);
      seen.insert(operation);
      if (operation == kCrop) {
        EXPECT_EQ(static_cast<int64_t>(view.places.size()), std::max<int64_t>(1, Percent(60, count)));
        EXPECT_EQ(NumMasked(view), 0);
      } else if (operation == kMask) {
        EXPECT_EQ(NumMasked(view), Percent(50, count)) << count << " clicks";
        EXPECT_EQ(view.places, PlacesOf(sequence));
      }
    }
    EXPECT_EQ(seen.size(), 3u) << count << " clicks";
  }
}

TEST(CroppedMaskedOrReordered, SharesThatAreNoBinaryFractionsAreNotOneShort) {
  // 0.29 * 100 is 28.999999999999996 in double precision, and is meant as 29.
  for (int32_t count = 1; count <= 200; ++count) {
    for (const int share : {7, 10, 29, 30, 57, 58, 70, 90}) {
      SequenceAugmentation augmentation;
      augmentation.mask = share / 100.0;
      const data::TrainingSequence sequence = Clicks(count);
      for (uint64_t draw = 0; draw < 8; ++draw) {
        const ClickView view = CroppedMaskedOrReordered(Key(draw), sequence, augmentation);
        if (NumMasked(view) == 0) continue;
        ASSERT_EQ(NumMasked(view), Percent(share, count)) << share << " % of " << count;
      }
    }
  }
}

TEST(CroppedMaskedOrReordered, ACropIsAStretchThatStartsAnywhereAlike) {
  const data::TrainingSequence sequence = Clicks(10);
  std::map<int32_t, int64_t> starts;
  int64_t crops = 0;
  for (uint64_t draw = 0; draw < 9000; ++draw) {
    const ClickView view = CroppedMaskedOrReordered(Key(draw), sequence, {});
    if (OperationOf(view, sequence) != kCrop) continue;
    const auto length = static_cast<int32_t>(view.places.size());
    EXPECT_EQ(view.places, PlacesOf(Clicks(length, view.places.front()))) << "contiguous and in order";
    ++starts[view.places.front()];
    ++crops;
  }
  EXPECT_EQ(starts.size(), 5u) << "6 of 10 clicks start at one of 5 places";
  for (const auto& [start, count] : starts) ExpectShare(count, crops, 1.0 / 5);
  EXPECT_EQ(starts.begin()->first, sequence.begin);
}

TEST(CroppedMaskedOrReordered, AMaskHidesEveryClickAlike) {
  const data::TrainingSequence sequence = Clicks(10);
  std::array<int64_t, 10> hidden{};
  int64_t masks = 0;
  for (uint64_t draw = 0; draw < 9000; ++draw) {
    const ClickView view = CroppedMaskedOrReordered(Key(draw), sequence, {});
    if (OperationOf(view, sequence) != kMask) continue;
    ++masks;
    for (size_t i = 0; i < hidden.size(); ++i) hidden[i] += view.masked[i];
  }
  for (const int64_t count : hidden) ExpectShare(count, masks, 0.5);
}

TEST(CroppedMaskedOrReordered, AReorderShufflesOneStretchAndNothingElse) {
  const data::TrainingSequence sequence = Clicks(10);
  SequenceAugmentation augmentation;
  augmentation.reorder = 0.35;                     // 3 of 10
  std::map<std::vector<int32_t>, int64_t> orders;  // of the stretch at the start of the sequence
  int64_t reorders = 0;
  for (uint64_t draw = 0; draw < 40000; ++draw) {
    const ClickView view = CroppedMaskedOrReordered(Key(draw), sequence, augmentation);
    if (OperationOf(view, sequence) != kReorder) continue;
    ++reorders;
    const std::vector<int32_t> before = PlacesOf(sequence);
    std::vector<int32_t> sorted = view.places;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(sorted, before) << "a permutation";
    size_t first = 0, last = before.size();
    while (first < last && view.places[first] == before[first]) ++first;
    while (last > first && view.places[last - 1] == before[last - 1]) --last;
    EXPECT_LE(last - first, 3u) << "moved beyond the stretch";
    if (first == 0 && last == 3) ++orders[{view.places.begin(), view.places.begin() + 3}];
  }
  // Of 3 clicks 3 orders move both the first and the last one: 210, 201 and 120, all alike; the stretch
  // starts at one of 8 places.
  EXPECT_EQ(orders.size(), 3u);
  for (const auto& [order, count] : orders) ExpectShare(count, reorders, 1.0 / (8 * 6));
}

TEST(CroppedMaskedOrReordered, TheThreeAreDrawnEvenly) {
  const data::TrainingSequence sequence = Clicks(40);
  std::array<int64_t, 3> count{};
  constexpr int64_t kDraws = 6000;
  for (uint64_t draw = 0; draw < kDraws; ++draw)
    ++count[OperationOf(CroppedMaskedOrReordered(Key(draw), sequence, {}), sequence)];
  for (const int64_t of_operation : count) ExpectShare(of_operation, kDraws, 1.0 / 3);
}

TEST(CroppedMaskedOrReordered, ShortSequencesStayReadable) {
  for (uint64_t draw = 0; draw < 30; ++draw) {
    EXPECT_TRUE(CroppedMaskedOrReordered(Key(draw), Clicks(0), {}).places.empty());
    const ClickView one = CroppedMaskedOrReordered(Key(draw), Clicks(1), {});
    EXPECT_EQ(one.places, PlacesOf(Clicks(1)));
    EXPECT_EQ(NumMasked(one), 0) << "half a click, rounded down";
  }
}

TEST(HiddenClicks, HidesTheAskedShareAndAtLeastOne) {
  constexpr int64_t kDraws = 6000;
  int64_t hidden = 0, forced_ends = 0;
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    const std::vector<bool> of_long =
        HiddenClicks(Key(draw), Clicks(40), {.mask_prob = 0.3, .last_share = 0});
    ASSERT_EQ(of_long.size(), 40u);
    hidden += std::count(of_long.begin(), of_long.end(), true);
    // With next to no chance of a hit, the one click that is hidden all the same is any of them.
    const std::vector<bool> of_short =
        HiddenClicks(Key(draw), Clicks(4), {.mask_prob = 1e-12, .last_share = 0});
    ASSERT_EQ(std::count(of_short.begin(), of_short.end(), true), 1);
    forced_ends += of_short.front() || of_short.back();
  }
  ExpectShare(hidden, kDraws * 40, 0.3);  // 0.7^40 of them forced: 6e-7
  ExpectShare(forced_ends, kDraws, 0.5);
  EXPECT_TRUE(HiddenClicks(Key(0), Clicks(0), {}).empty());
}

TEST(HiddenClicks, TheLastAloneInTheAskedShare) {
  constexpr int64_t kDraws = 6000;
  int64_t last_alone = 0;
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    const std::vector<bool> hidden =
        HiddenClicks(Key(draw), Clicks(60), {.mask_prob = 0.4, .last_share = 0.25});
    last_alone += hidden.back() && std::count(hidden.begin(), hidden.end(), true) == 1;
  }
  ExpectShare(last_alone, kDraws, 0.25);  // by chance alone: 0.4 * 0.6^59
  const std::vector<bool> always = HiddenClicks(Key(1), Clicks(3), {.mask_prob = 0.4, .last_share = 1});
  EXPECT_EQ(always, (std::vector<bool>{false, false, true}));
}

TEST(Augmentations, AreFunctionsOfTheKey) {
  const data::TrainingSequence sequence = Clicks(30);
  std::set<std::vector<int32_t>> crops_and_orders, deletions;
  std::set<std::vector<bool>> hidden;
  for (uint64_t draw = 0; draw < 20; ++draw) {
    const ClickView once = CroppedMaskedOrReordered(Key(draw), sequence, {});
    const ClickView again = CroppedMaskedOrReordered(Key(draw), sequence, {});
    EXPECT_EQ(once.places, again.places);
    EXPECT_EQ(once.masked, again.masked);
    EXPECT_EQ(HiddenClicks(Key(draw), sequence, {}), HiddenClicks(Key(draw), sequence, {}));
    crops_and_orders.insert(once.places);
    hidden.insert(HiddenClicks(Key(draw), sequence, {.mask_prob = 0.3, .last_share = 0}));
    deletions.insert(BehaviourView(Key(draw), sequence, BehaviourAugmentation::kDelete, 0.3).places);
  }
  EXPECT_GT(crops_and_orders.size(), 8u);
  EXPECT_EQ(hidden.size(), 20u);
  EXPECT_EQ(deletions.size(), 20u);
}

}  // namespace
}  // namespace ppr::recommender
