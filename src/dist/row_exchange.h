// Rows of a sharded table travelling between their owners and the ranks that need them (docs/contracts.md,
// contract 4). Each distinct id costs a rank one row on the wire each way, however often the rank's batch
// repeats it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "dist/communicator.h"
#include "dist/owner_map.h"

namespace ppr::dist {

// Who sends which rows to whom for one set of requested ids; made by RowExchange::MakePlan and used for the
// rows and for their gradients.
struct ExchangePlan {
  // Requester's side: the distinct ids, grouped by owner, ascending within each.
  std::vector<int64_t> ids;             // [U]
  std::vector<int64_t> request_counts;  // [W] ids asked of each owner
  // Owner's side: slots asked for by each rank, in the order of the requesters, and their union.
  at::Tensor asked_slots;             // [A] int64: concatenated over requesters
  std::vector<int64_t> asked_counts;  // [W]
  at::Tensor touched_slots;           // [G] int64, distinct; on one rank asked_slots itself
  at::Tensor asked_to_touched;        // [A] int64: index into touched_slots; undefined on one rank
};

// A plan under way (BeginPlan, PostSlots, FinishPlan): its messages travel while the caller computes.
struct PendingPlan {
  ExchangePlan plan;
  at::Tensor slots;   // [U] int64, asked of the owners, in the order of plan.ids
  at::Tensor counts;  // [W] int64
  std::unique_ptr<Work> counts_work, slots_work;
};

// Rows under way.
struct PendingRows {
  at::Tensor rows;             // [U, d], to be read after Wait()
  std::unique_ptr<Work> work;  // null on one rank

  void Wait() {
    if (work) work->Wait();
    work.reset();
  }
};

class RowExchange {
 public:
  // Both must outlive the exchange.
  RowExchange(Communicator& communicator, const OwnerMap& owners);

  // Collective. `ids` in any order, repeats allowed, each in 1..V (BugError names the first that is not).
  // `index_of_id` (same length as ids) receives for each its row number in the rows that Fetch returns.
  ExchangePlan MakePlan(const std::vector<int64_t>& ids, std::vector<int64_t>* index_of_id) {
    return FinishPlan(BeginPlan(ids, index_of_id));
  }
  // MakePlan in three collective calls. BeginPlan does the host's work and sends counts, PostSlots waits for
  // them and sends the ids, FinishPlan waits for those and does the owner's work.
  PendingPlan BeginPlan(const std::vector<int64_t>& ids, std::vector<int64_t>* index_of_id);
  void PostSlots(PendingPlan& pending);
  ExchangePlan FinishPlan(PendingPlan pending);

  // Collective. The rows of plan.ids: [U, d], gathered from the owners' `local_rows` [num_rows(rank), d]. A
  // frozen table needs nothing else.
  at::Tensor Fetch(const ExchangePlan& plan, const at::Tensor& local_rows) {
    PendingRows pending = BeginFetch(plan, local_rows);
    pending.Wait();
    return pending.rows;
  }
  PendingRows BeginFetch(const ExchangePlan& plan, const at::Tensor& local_rows);

  // Collective. Takes the requester's summed gradients [U, d] to the owners and sums them over requesters in
  // rank order: returns [G, d] for plan.touched_slots.
  at::Tensor ReturnGradients(const ExchangePlan& plan, const at::Tensor& row_gradients);

 private:
  Communicator& communicator_;
  const OwnerMap& owners_;
};

}  // namespace ppr::dist
