// Where ranks that are threads of one process meet: each posts its part of a collective, the last to come
// carries it out for all, the others wait. Posting never blocks, so any order of posts and waits that MPI
// would allow ends.
//
// Thread-safe. The first failure ends every wait, present and future.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "dist/collective_call.h"

namespace ppr::dist {

// What one rank brings to a collective; which fields count depends on the kind.
struct Contribution {
  at::Tensor input;
  at::Tensor output;
  std::vector<int64_t> send_counts;  // [W] rows, AllToAllV
  std::vector<int64_t> recv_counts;  // [W] rows, AllToAllV
};

// Carries out `call` on the parts of all ranks. Sums are formed in rank order. Throws CommunicationError
// where counts of an AllToAllV disagree between two ranks.
void CarryOut(const CollectiveCall& call, std::vector<Contribution>& parts);

class LocalGroup {
 public:
  explicit LocalGroup(int size);

  // One collective of the group, in the order of calls.
  struct Meeting {
    int64_t number = 0;
    CollectiveCall call;
    int first_rank = 0;
    std::vector<Contribution> parts;  // [W]
    std::vector<bool> arrived;        // [W]
    int num_arrived = 0;
    bool done = false;
  };

  // `number` counts the collectives that `rank` has called, from 0. Throws CommunicationError when the group
  // has failed or the call does not match that of a rank that came before.
  std::shared_ptr<Meeting> Post(const Communicator& caller, int64_t number, const CollectiveCall& call,
                                Contribution part);
  // Returns when the meeting's collective is done. Throws CommunicationError when the group fails, when a
  // rank that is missing has ended, or after `deadline`.
  void Wait(const Communicator& caller, const Meeting& meeting, std::chrono::milliseconds deadline);

  // Ends all waits with `reason` and `code`; only the first failure counts.
  void Fail(int rank, const std::string& reason, ExitCode code) noexcept;
  // `rank` will call nothing more: peers that wait for it need not wait for the deadline.
  void Leave(int rank) noexcept;
  // The rank that failed first, or -1.
  int first_failed_rank() const;

 private:
  // All need mutex_ held.
  void FailLocked(int rank, const std::string& reason, ExitCode code = ExitCode::kInternal);
  void ThrowIfFailedLocked(const Communicator& caller, const CollectiveCall& call) const;
  std::shared_ptr<Meeting> MeetingLocked(int rank, int64_t number, const CollectiveCall& call);
  std::string MissingLocked(const Meeting& meeting, bool only_ended) const;

  const int size_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, std::shared_ptr<Meeting>> open_;  // by number; those that some rank has not come to
  std::vector<bool> ended_;                           // [W]
  int first_failed_rank_ = -1;
  std::string failure_;
  ExitCode failure_code_ = ExitCode::kInternal;
};

}  // namespace ppr::dist
