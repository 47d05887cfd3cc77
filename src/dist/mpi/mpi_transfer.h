// The MPI requests of one collective under way, with all that must stay alive until they are complete.
#pragma once

#include <ATen/core/Tensor.h>
#include <mpi.h>

#include <string>
#include <utility>
#include <vector>

#include "base/unique_handle.h"
#include "dist/collective_call.h"

namespace ppr::dist {

struct MpiDatatypeTraits {
  using Type = MPI_Datatype;
  static Type Invalid() noexcept { return MPI_DATATYPE_NULL; }
  static void Close(Type datatype) noexcept;
};
using MpiDatatype = UniqueHandle<MpiDatatypeTraits>;

// A datatype of `size_bytes` bytes in one piece, so that counts are rows and fit int for longer.
MpiDatatype MakeContiguousDatatype(int64_t size_bytes);

class MpiTransfer {
 public:
  MpiTransfer(CollectiveCall call, std::vector<at::Tensor> buffers)
      : call_(std::move(call)), buffers_(std::move(buffers)) {}
  MpiTransfer(const MpiTransfer&) = delete;
  MpiTransfer& operator=(const MpiTransfer&) = delete;

  const CollectiveCall& call() const { return call_; }
  void set_row_type(MpiDatatype row_type) { row_type_ = std::move(row_type); }
  MPI_Datatype row_type() const { return row_type_.get(); }

  // Keeps the counts and first rows of an MPI call, which MPI may read until the end.
  const std::pair<std::vector<int>, std::vector<int>>& KeepCounts(std::vector<int> counts,
                                                                  std::vector<int> first_rows) {
    return counts_and_first_rows_ = {std::move(counts), std::move(first_rows)};
  }

  // Where MPI writes the handle of a new request. Use the result at once: the next call moves it.
  MPI_Request* AddRequest();
  // As AddRequest for a receive of exactly `rows` rows from `peer`.
  MPI_Request* AddReceive(int peer, int rows);

  // True once every request is complete; makes progress otherwise. Throws CommunicationError when a request
  // failed or a peer sent another number of rows than expected; `caller` gives the place for its message.
  bool Test(const Communicator& caller);
  bool done() const { return done_; }
  // "rank 2, 3": peers whose rows have not come; "its peers" where a collective of MPI's own hides them.
  std::string MissingPeers() const;

 private:
  struct Expectation {
    int peer = -1;  // -1: nothing to check
    int rows = 0;
  };

  void CheckStatuses(int code, const Communicator& caller);

  CollectiveCall call_;
  std::vector<at::Tensor> buffers_;
  MpiDatatype row_type_;
  std::pair<std::vector<int>, std::vector<int>> counts_and_first_rows_;
  std::vector<MPI_Request> requests_;
  std::vector<Expectation> expectations_;  // one per request
  std::vector<MPI_Status> statuses_;       // one per request
  bool done_ = false;
};

}  // namespace ppr::dist
