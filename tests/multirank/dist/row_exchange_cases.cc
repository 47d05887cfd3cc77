#include "multirank/dist/row_exchange_cases.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/errors.h"
#include "base/random.h"
#include "dist/row_exchange.h"

namespace ppr::dist::test {
namespace {

constexpr int64_t kWidth = 3;

// Column j of the row of item `id`: an integer, so exact in float32.
double RowValue(int64_t id, int64_t column) { return static_cast<double>(10 * id + column); }

// The shard of this rank: [num_rows, kWidth].
at::Tensor LocalRows(const OwnerMap& owners, int rank, at::ScalarType dtype) {
  at::Tensor rows = at::empty({owners.num_rows(rank), kWidth}, at::kDouble);
  auto values = rows.accessor<double, 2>();
  for (int64_t slot = 0; slot < rows.size(0); ++slot) {
    for (int64_t j = 0; j < kWidth; ++j) values[slot][j] = RowValue(owners.id(rank, slot), j);
  }
  return rows.to(dtype);
}

// The ids of each rank of the job; every rank knows all of them and so the whole answer.
using IdsOfRanks = std::vector<std::vector<int64_t>>;

// Column j of the gradient that `rank` returns for `id`; small integers.
double GradientValue(int rank, int64_t id, int64_t column) {
  return static_cast<double>((rank + 1) * (id % 50) + column);
}

void ExpectPlanIsSound(const ExchangePlan& plan, const std::vector<int64_t>& ids,
                       const std::vector<int64_t>& index, const OwnerMap& owners) {
  const std::set<int64_t> distinct(ids.begin(), ids.end());
  EXPECT_EQ(plan.ids.size(), distinct.size());  // each id travels once
  EXPECT_EQ(index.size(), ids.size());
  for (size_t i = 0; i < index.size(); ++i) EXPECT_EQ(plan.ids.at(static_cast<size_t>(index[i])), ids[i]);
  size_t next = 0;
  for (int owner = 0; owner < owners.world_size(); ++owner) {
    for (int64_t k = 0; k < plan.request_counts[static_cast<size_t>(owner)]; ++k, ++next) {
      EXPECT_EQ(owners.owner(plan.ids.at(next)), owner);
      EXPECT_TRUE(k == 0 || plan.ids[next - 1] < plan.ids[next]) << "at " << next;
    }
  }
  EXPECT_EQ(next, plan.ids.size());
}

void ExpectFetched(const ExchangePlan& plan, const at::Tensor& rows) {
  EXPECT_EQ(rows.size(0), static_cast<int64_t>(plan.ids.size()));
  const at::Tensor in_double = rows.to(at::kDouble);
  const auto values = in_double.accessor<double, 2>();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    for (int64_t j = 0; j < kWidth; ++j)
      EXPECT_EQ(values[i][j], RowValue(plan.ids[static_cast<size_t>(i)], j));
  }
}

at::Tensor GradientsOf(const ExchangePlan& plan, int rank, at::ScalarType dtype) {
  at::Tensor gradients = at::empty({static_cast<int64_t>(plan.ids.size()), kWidth}, at::kDouble);
  auto values = gradients.accessor<double, 2>();
  for (int64_t i = 0; i < gradients.size(0); ++i) {
    for (int64_t j = 0; j < kWidth; ++j)
      values[i][j] = GradientValue(rank, plan.ids[static_cast<size_t>(i)], j);
  }
  return gradients.to(dtype);
}

// What the owner `rank` must hold after the return: slot -> sum over the ranks that asked for it.
std::map<int64_t, std::vector<double>> BruteForceSums(const IdsOfRanks& ids, const OwnerMap& owners,
                                                      int rank) {
  std::map<int64_t, std::vector<double>> sums;
  for (size_t requester = 0; requester < ids.size(); ++requester) {
    for (const int64_t id : std::set<int64_t>(ids[requester].begin(), ids[requester].end())) {
      if (owners.owner(id) != rank) continue;
      std::vector<double>& sum = sums.try_emplace(owners.slot(id), kWidth, 0.0).first->second;
      for (int64_t j = 0; j < kWidth; ++j)
        sum[static_cast<size_t>(j)] += GradientValue(static_cast<int>(requester), id, j);
    }
  }
  return sums;
}

void ExpectReturned(const ExchangePlan& plan, const at::Tensor& sums,
                    const std::map<int64_t, std::vector<double>>& expected) {
  const int64_t* touched = plan.touched_slots.const_data_ptr<int64_t>();
  const int64_t count = plan.touched_slots.numel();
  EXPECT_EQ(static_cast<int64_t>(expected.size()), count);
  EXPECT_EQ(sums.size(0), count);
  const at::Tensor in_double = sums.to(at::kDouble);
  const auto values = in_double.accessor<double, 2>();
  std::set<int64_t> seen;
  for (int64_t row = 0; row < std::min(count, sums.size(0)); ++row) {
    EXPECT_TRUE(seen.insert(touched[row]).second) << "slot " << touched[row] << " twice";
    const auto found = expected.find(touched[row]);
    EXPECT_NE(found, expected.end()) << "slot " << touched[row] << " was not asked for";
    if (found == expected.end()) continue;
    for (int64_t j = 0; j < kWidth; ++j)
      EXPECT_EQ(values[row][j], found->second[static_cast<size_t>(j)]) << "slot " << touched[row];
  }
}

// The exchange that leaves out what a rank asks of itself gives the same rows and, with its own gradients
// added, the same sums.
void ExpectOthersAreTheSame(RowExchange& exchange, const ExchangePlan& plan, const at::Tensor& local_rows,
                            const at::Tensor& rows, const at::Tensor& gradients, const at::Tensor& sums) {
  PendingRows others = exchange.BeginFetchOthers(plan, local_rows);
  others.Wait();
  const auto count = static_cast<int64_t>(plan.ids.size());
  EXPECT_EQ(others.rows.size(0), count - plan.own_count);
  std::vector<at::Tensor> of_others{gradients.narrow(0, 0, 0)};
  for (int64_t i = 0; i < count; ++i) {
    if (plan.IsOwn(i)) {
      const int64_t slot = plan.asked_slots[plan.own_asked_first + i - plan.own_first].item<int64_t>();
      EXPECT_TRUE(at::equal(local_rows[slot], rows[i])) << "own id " << plan.ids[static_cast<size_t>(i)];
    } else {
      EXPECT_TRUE(at::equal(others.rows[plan.AmongOthers(i)], rows[i]));
      of_others.push_back(gradients.narrow(0, i, 1));
    }
  }
  const at::Tensor received = exchange.ReturnToOthers(plan, at::cat(of_others));
  if (plan.touched_starts.empty()) return;  // one rank
  for (int64_t g = 0; g < plan.touched_slots.numel(); ++g) {
    at::Tensor sum = at::zeros({kWidth}, gradients.options());
    for (int64_t i = plan.touched_starts[static_cast<size_t>(g)];
         i < plan.touched_starts[static_cast<size_t>(g) + 1]; ++i) {
      const int64_t place = plan.touched_places[static_cast<size_t>(i)];
      EXPECT_EQ(plan.asked_slots[place].item<int64_t>(), plan.touched_slots[g].item<int64_t>());
      sum += plan.IsOwnAsked(place) ? gradients[plan.own_first + place - plan.own_asked_first]
                                    : received[plan.AskedAmongOthers(place)];
    }
    EXPECT_TRUE(at::equal(sum, sums[g])) << "touched slot " << g;
  }
}

// One whole exchange, each way, with the ids given for each rank.
void ExchangeAndCompare(Communicator& communicator, int64_t num_items, const IdsOfRanks& ids,
                        at::ScalarType dtype) {
  const OwnerMap owners(num_items, communicator.size());
  RowExchange exchange(communicator, owners);
  const std::vector<int64_t>& own_ids = ids[static_cast<size_t>(communicator.rank())];
  std::vector<int64_t> index;
  const ExchangePlan plan = exchange.MakePlan(own_ids, &index);
  ExpectPlanIsSound(plan, own_ids, index, owners);
  const at::Tensor local_rows = LocalRows(owners, communicator.rank(), dtype);
  const at::Tensor rows = exchange.Fetch(plan, local_rows);
  ExpectFetched(plan, rows);
  const at::Tensor gradients = GradientsOf(plan, communicator.rank(), dtype);
  const at::Tensor sums = exchange.ReturnGradients(plan, gradients);
  ExpectReturned(plan, sums, BruteForceSums(ids, owners, communicator.rank()));
  ExpectOthersAreTheSame(exchange, plan, local_rows, rows, gradients, sums);
}

// `count` ids per rank, most of them small: repeats within and between ranks.
IdsOfRanks SkewedIds(int world_size, int64_t num_items, int64_t count) {
  IdsOfRanks ids(static_cast<size_t>(world_size));
  const RandomKey key = MakeRandomKey(1, RandomSite::kTest);
  for (size_t rank = 0; rank < ids.size(); ++rank) {
    for (int64_t i = 0; i < count; ++i) {
      const double u = key.With(rank).Uniform(static_cast<uint64_t>(i));
      ids[rank].push_back(1 + static_cast<int64_t>(u * u * u * static_cast<double>(num_items)));
    }
  }
  return ids;
}

void RowsComeAndGradientsReturn(Communicator& communicator) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    ExchangeAndCompare(communicator, 1009, SkewedIds(communicator.size(), 1009, 700), dtype);
    ExchangeAndCompare(communicator, 4096, SkewedIds(communicator.size(), 4096, 5000), dtype);
  }
}

// More ranks than items: some ranks own nothing.
void FewerItemsThanRanks(Communicator& communicator) {
  for (int64_t num_items = 1; num_items <= 3; ++num_items) {
    ExchangeAndCompare(communicator, num_items, SkewedIds(communicator.size(), num_items, 10), at::kFloat);
  }
}

void AllAskForOneHotItem(Communicator& communicator) {
  const IdsOfRanks ids(static_cast<size_t>(communicator.size()), std::vector<int64_t>(500, 42));
  ExchangeAndCompare(communicator, 100, ids, at::kFloat);
}

void RanksThatAskForNothing(Communicator& communicator) {
  IdsOfRanks ids = SkewedIds(communicator.size(), 100, 50);
  ids.back().clear();
  ExchangeAndCompare(communicator, 100, ids, at::kFloat);
  for (std::vector<int64_t>& of_rank : ids) of_rank.clear();
  ExchangeAndCompare(communicator, 100, ids, at::kFloat);
}

// 1 + 2^24 - 2^24 in the order of the ranks is 0 in float32; in any other order of the last two it is not.
void SumsAreInRankOrder(Communicator& communicator) {
  const float values[] = {1.0F, 16777216.0F, -16777216.0F, 0.0F};
  const float partial_sums[] = {1.0F, 16777216.0F, 0.0F, 0.0F};
  const OwnerMap owners(7, communicator.size());
  RowExchange exchange(communicator, owners);
  const ExchangePlan plan = exchange.MakePlan({5}, nullptr);
  const at::Tensor sums =
      exchange.ReturnGradients(plan, at::full({1, 2}, values[communicator.rank()], at::kFloat));
  if (owners.owner(5) == communicator.rank()) {
    EXPECT_TRUE(at::equal(sums, at::full({1, 2}, partial_sums[communicator.size() - 1], at::kFloat))) << sums;
  } else {
    EXPECT_EQ(sums.size(0), 0);
  }
}

// The refusal comes before any collective, so all ranks can make it alone.
void WrongIdsAreNamed(Communicator& communicator) {
  const OwnerMap owners(100, communicator.size());
  RowExchange exchange(communicator, owners);
  EXPECT_THAT(
      [&] {
        exchange.MakePlan({3, 0, 5}, nullptr);
      },
      ::testing::ThrowsMessage<BugError>(::testing::HasSubstr("id 0 at place 1 is not in 1..100")));
  EXPECT_THAT([&] { exchange.MakePlan({101}, nullptr); },
              ::testing::ThrowsMessage<BugError>(::testing::HasSubstr("id 101 at place 0")));
  const OwnerMap of_more_ranks(100, communicator.size() + 1);
  EXPECT_THROW(RowExchange(communicator, of_more_ranks), BugError);
}

}  // namespace

const std::vector<ConformanceCase>& RowExchangeCases() {
  static const auto* const cases = new std::vector<ConformanceCase>{
      {"RowsComeAndGradientsReturn", RowsComeAndGradientsReturn},
      {"FewerItemsThanRanks", FewerItemsThanRanks},
      {"AllAskForOneHotItem", AllAskForOneHotItem},
      {"RanksThatAskForNothing", RanksThatAskForNothing},
      {"SumsAreInRankOrder", SumsAreInRankOrder},
      {"WrongIdsAreNamed", WrongIdsAreNamed},
  };
  return *cases;
}

}  // namespace ppr::dist::test
