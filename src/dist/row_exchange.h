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
  // The other way round: slot g was asked for at touched_places[touched_starts[g] ...], ascending places
  // among the asked. Empty on one rank.
  std::vector<int64_t> touched_starts, touched_places;  // [G + 1], [A]
  // What this rank asks of itself: ids [own_first, own_first + own_count) are, in the same order, the asked
  // slots from own_asked_first on.
  int64_t own_first = 0, own_count = 0, own_asked_first = 0;

  bool IsOwn(int64_t id_place) const { return id_place >= own_first && id_place < own_first + own_count; }
  bool IsOwnAsked(int64_t asked_place) const {
    return asked_place >= own_asked_first && asked_place < own_asked_first + own_count;
  }
  // The place of an id, or of an asked slot, when those of this rank itself are left out.
  int64_t AmongOthers(int64_t id_place) const {
    return id_place < own_first ? id_place : id_place - own_count;
  }
  int64_t AskedAmongOthers(int64_t asked_place) const {
    return asked_place < own_asked_first ? asked_place : asked_place - own_count;
  }
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

  // The same for a caller that reads its own rows, and adds its own gradients, where they are: what this rank
  // asks of itself is neither copied nor sent. Collective. Rows of the other ids [U - own_count, d], in the
  // order of plan.ids.
  PendingRows BeginFetchOthers(const ExchangePlan& plan, const at::Tensor& local_rows);
  // gradients [U - own_count, d], of the other ids, float32 or float64. Returns [A - own_count, d]: the
  // others' gradients for the slots that they asked of this rank, in the order of the asked.
  at::Tensor ReturnToOthers(const ExchangePlan& plan, const at::Tensor& gradients);

 private:
  void CheckLocalRows(const at::Tensor& local_rows) const;
  // `counts` without this rank's own.
  std::vector<int64_t> OthersOf(std::vector<int64_t> counts) const;

  Communicator& communicator_;
  const OwnerMap& owners_;
};

}  // namespace ppr::dist
