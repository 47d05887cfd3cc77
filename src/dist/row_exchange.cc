#include "dist/row_exchange.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/errors.h"
#include "base/text_format.h"
#include "dist/collective_call.h"
#include "dist/sorted_distinct.h"

namespace ppr::dist {
namespace {

// Rows that one task copies or adds at the least: some 100 KB at d = 64, well above the cost of handing it
// out.
constexpr int64_t kRowsPerTask = 512;

int64_t Sum(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

at::Tensor TensorOf(const std::vector<int64_t>& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor;
}

void CheckIds(const std::vector<int64_t>& ids, int64_t num_items) {
  for (size_t i = 0; i < ids.size(); ++i) {
    PPR_BUG_IF_NOT(ids[i] >= 1 && ids[i] <= num_items,
                   Format("row exchange: id %lld at place %zu is not in 1..%lld",
                          static_cast<long long>(ids[i]), i, static_cast<long long>(num_items)));
  }
}

// Groups ascending distinct ids by owner into `plan`, keeping their order within each, and returns the slots
// in the same order. `index` (places in `ascending_ids`) is turned into places in plan.ids.
std::vector<int64_t> GroupByOwner(const std::vector<int64_t>& ascending_ids, const OwnerMap& owners,
                                  ExchangePlan& plan, std::vector<int64_t>& index) {
  const auto world_size = static_cast<size_t>(owners.world_size());
  plan.request_counts.assign(world_size, 0);
  std::vector<OwnerMap::Place> places(ascending_ids.size());
  for (size_t i = 0; i < ascending_ids.size(); ++i) {
    places[i] = owners.Locate(ascending_ids[i]);
    ++plan.request_counts[static_cast<size_t>(places[i].owner)];
  }
  std::vector<int64_t> next(world_size, 0);  // place of the next id of each owner
  std::exclusive_scan(plan.request_counts.begin(), plan.request_counts.end(), next.begin(), int64_t{0});

  plan.ids.resize(ascending_ids.size());
  std::vector<int64_t> slots(ascending_ids.size());
  std::vector<int64_t> place_of(ascending_ids.size());
  for (size_t i = 0; i < ascending_ids.size(); ++i) {
    const int64_t place = next[static_cast<size_t>(places[i].owner)]++;
    place_of[i] = place;
    plan.ids[static_cast<size_t>(place)] = ascending_ids[i];
    slots[static_cast<size_t>(place)] = places[i].slot;
  }
  for (int64_t& entry : index) entry = place_of[static_cast<size_t>(entry)];
  return slots;
}

// The union of the slots that all requesters asked of this rank.
void FindTouchedSlots(int64_t num_rows, ExchangePlan& plan) {
  const int64_t asked = plan.asked_slots.numel();
  const int64_t* slots = plan.asked_slots.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < asked; ++i) {
    PPR_BUG_IF_NOT(
        slots[i] >= 0 && slots[i] < num_rows,
        Format("row exchange: a peer asked for slot %lld of %lld; do all ranks use the same owner map?",
               static_cast<long long>(slots[i]), static_cast<long long>(num_rows)));
  }
  const SortedDistinct touched = FindSortedDistinct(slots, asked, num_rows);
  plan.touched_slots = TensorOf(touched.values);
  plan.asked_to_touched = TensorOf(touched.index);
  plan.touched_starts.assign(touched.values.size() + 1, 0);
  for (const int64_t g : touched.index) ++plan.touched_starts[static_cast<size_t>(g) + 1];
  std::inclusive_scan(plan.touched_starts.begin(), plan.touched_starts.end(), plan.touched_starts.begin());
  std::vector<int64_t> next(plan.touched_starts.begin(), plan.touched_starts.end() - 1);
  plan.touched_places.resize(touched.index.size());
  for (size_t place = 0; place < touched.index.size(); ++place) {
    const auto at = static_cast<size_t>(next[static_cast<size_t>(touched.index[place])]++);
    plan.touched_places[at] = static_cast<int64_t>(place);
  }
}

// What `rank` asks of itself.
void FindOwn(int rank, ExchangePlan& plan) {
  const auto before = [rank](const std::vector<int64_t>& counts) {
    return std::accumulate(counts.begin(), counts.begin() + rank, int64_t{0});
  };
  plan.own_first = before(plan.request_counts);
  plan.own_count = plan.request_counts[static_cast<size_t>(rank)];
  plan.own_asked_first = before(plan.asked_counts);
}

// `all` without its rows [first, first + count).
at::Tensor Without(const at::Tensor& all, int64_t first, int64_t count) {
  return at::cat({all.narrow(0, 0, first), all.narrow(0, first + count, all.size(0) - first - count)});
}

// [A, d]: row i is local_rows[slots[i]].
at::Tensor GatherRows(const at::Tensor& local_rows, const at::Tensor& slots) {
  const int64_t rows = slots.numel();
  at::Tensor gathered = at::empty({rows, local_rows.size(1)}, local_rows.options().requires_grad(false));
  const auto row_bytes = static_cast<size_t>(RowBytes(local_rows));
  const auto* from = static_cast<const char*>(local_rows.const_data_ptr());
  auto* to = static_cast<char*>(gathered.mutable_data_ptr());
  const int64_t* slot = slots.const_data_ptr<int64_t>();
  at::parallel_for(0, rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(to + static_cast<size_t>(i) * row_bytes, from + static_cast<size_t>(slot[i]) * row_bytes,
                  row_bytes);
    }
  });
  return gathered;
}

// [G, d]: sums the asked rows [A, d] by touched slot. One requester after the other, which fixes the order of
// every sum; within one requester the slots are distinct, so its rows can be added in parallel.
template <typename T>
at::Tensor SumByTouchedSlot(const ExchangePlan& plan, const at::Tensor& asked_gradients) {
  const int64_t width = asked_gradients.size(1);
  at::Tensor sums = at::zeros({plan.touched_slots.numel(), width}, asked_gradients.options());
  T* sum = sums.mutable_data_ptr<T>();
  const T* gradient = asked_gradients.const_data_ptr<T>();
  const int64_t* touched = plan.asked_to_touched.const_data_ptr<int64_t>();
  int64_t first = 0;
  for (const int64_t count : plan.asked_counts) {
    at::parallel_for(first, first + count, kRowsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* into = sum + touched[i] * width;
        const T* from = gradient + i * width;
        for (int64_t column = 0; column < width; ++column) into[column] += from[column];
      }
    });
    first += count;
  }
  return sums;
}

}  // namespace

RowExchange::RowExchange(Communicator& communicator, const OwnerMap& owners)
    : communicator_(communicator), owners_(owners) {
  PPR_BUG_IF_NOT(communicator.size() == owners.world_size(),
                 Format("row exchange: the owner map is for %d ranks, the communicator has %d",
                        owners.world_size(), communicator.size()));
}

PendingPlan RowExchange::BeginPlan(const std::vector<int64_t>& ids, std::vector<int64_t>* index_of_id) {
  CheckIds(ids, owners_.num_items());
  SortedDistinct distinct =
      FindSortedDistinct(ids.data(), static_cast<int64_t>(ids.size()), owners_.num_items() + 1);
  PendingPlan pending;
  pending.slots = TensorOf(GroupByOwner(distinct.values, owners_, pending.plan, distinct.index));
  if (index_of_id != nullptr) *index_of_id = std::move(distinct.index);
  if (communicator_.size() > 1) {
    const std::vector<int64_t> one_each(static_cast<size_t>(communicator_.size()), 1);
    pending.counts = at::empty({communicator_.size()}, at::kLong);
    pending.counts_work = communicator_.AllToAllVAsync(TensorOf(pending.plan.request_counts), one_each,
                                                       pending.counts, one_each);
  }
  return pending;
}

void RowExchange::PostSlots(PendingPlan& pending) {
  if (communicator_.size() == 1 || pending.slots_work) return;
  ExchangePlan& plan = pending.plan;
  pending.counts_work->Wait();
  const int64_t* count = pending.counts.const_data_ptr<int64_t>();
  plan.asked_counts.assign(count, count + communicator_.size());
  plan.asked_slots = at::empty({Sum(plan.asked_counts)}, at::kLong);
  pending.slots_work =
      communicator_.AllToAllVAsync(pending.slots, plan.request_counts, plan.asked_slots, plan.asked_counts);
}

ExchangePlan RowExchange::FinishPlan(PendingPlan pending) {
  ExchangePlan& plan = pending.plan;
  if (communicator_.size() == 1) {
    plan.asked_counts = plan.request_counts;
    plan.asked_slots = plan.touched_slots = std::move(pending.slots);
    FindOwn(0, plan);
    return std::move(plan);
  }
  PostSlots(pending);
  pending.slots_work->Wait();
  FindOwn(communicator_.rank(), plan);
  FindTouchedSlots(owners_.num_rows(communicator_.rank()), plan);
  return std::move(plan);
}

void RowExchange::CheckLocalRows(const at::Tensor& local_rows) const {
  const int64_t num_rows = owners_.num_rows(communicator_.rank());
  PPR_BUG_IF_NOT(
      local_rows.dim() == 2 && local_rows.is_contiguous() && local_rows.size(0) == num_rows,
      Format("row exchange: local rows must be contiguous [%lld, d]", static_cast<long long>(num_rows)));
}

PendingRows RowExchange::BeginFetch(const ExchangePlan& plan, const at::Tensor& local_rows) {
  CheckLocalRows(local_rows);
  const at::Tensor asked_rows = GatherRows(local_rows, plan.asked_slots);
  if (communicator_.size() == 1) return {asked_rows, nullptr};
  PendingRows pending;
  pending.rows = at::empty({static_cast<int64_t>(plan.ids.size()), local_rows.size(1)}, asked_rows.options());
  pending.work =
      communicator_.AllToAllVAsync(asked_rows, plan.asked_counts, pending.rows, plan.request_counts);
  return pending;
}

at::Tensor RowExchange::ReturnGradients(const ExchangePlan& plan, const at::Tensor& row_gradients) {
  PPR_BUG_IF_NOT(row_gradients.dim() == 2 && row_gradients.is_contiguous() &&
                     row_gradients.size(0) == static_cast<int64_t>(plan.ids.size()),
                 Format("row exchange: row gradients must be contiguous [%zu, d]", plan.ids.size()));
  if (communicator_.size() == 1) return row_gradients;
  const at::Tensor asked_gradients =
      at::empty({plan.asked_slots.numel(), row_gradients.size(1)}, row_gradients.options());
  communicator_.AllToAllV(row_gradients, plan.request_counts, asked_gradients, plan.asked_counts);
  if (row_gradients.scalar_type() == at::kDouble) return SumByTouchedSlot<double>(plan, asked_gradients);
  PPR_BUG_IF_NOT(row_gradients.scalar_type() == at::kFloat,
                 Format("row exchange: gradients are %s, expected float32 or float64",
                        c10::toString(row_gradients.scalar_type())));
  return SumByTouchedSlot<float>(plan, asked_gradients);
}

std::vector<int64_t> RowExchange::OthersOf(std::vector<int64_t> counts) const {
  counts[static_cast<size_t>(communicator_.rank())] = 0;
  return counts;
}

PendingRows RowExchange::BeginFetchOthers(const ExchangePlan& plan, const at::Tensor& local_rows) {
  CheckLocalRows(local_rows);
  PendingRows pending;
  pending.rows = at::empty({static_cast<int64_t>(plan.ids.size()) - plan.own_count, local_rows.size(1)},
                           local_rows.options().requires_grad(false));
  if (communicator_.size() == 1) return pending;
  const at::Tensor asked_rows =
      GatherRows(local_rows, Without(plan.asked_slots, plan.own_asked_first, plan.own_count));
  pending.work = communicator_.AllToAllVAsync(asked_rows, OthersOf(plan.asked_counts), pending.rows,
                                              OthersOf(plan.request_counts));
  return pending;
}

at::Tensor RowExchange::ReturnToOthers(const ExchangePlan& plan, const at::Tensor& gradients) {
  PPR_BUG_IF_NOT(gradients.dim() == 2 && gradients.is_contiguous() &&
                     gradients.size(0) == static_cast<int64_t>(plan.ids.size()) - plan.own_count,
                 Format("row exchange: gradients for others must be contiguous [%lld, d]",
                        static_cast<long long>(static_cast<int64_t>(plan.ids.size()) - plan.own_count)));
  at::Tensor received =
      at::empty({plan.asked_slots.numel() - plan.own_count, gradients.size(1)}, gradients.options());
  if (communicator_.size() > 1)
    communicator_.AllToAllV(gradients, OthersOf(plan.request_counts), received, OthersOf(plan.asked_counts));
  return received;
}

}  // namespace ppr::dist
