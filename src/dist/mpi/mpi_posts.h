// How each collective becomes MPI requests. All functions return at once; the transfer holds the requests.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <vector>

#include "dist/communicator.h"
#include "dist/mpi/mpi_transfer.h"

namespace ppr::dist {

// Where a communicator's traffic goes. A single MPI call moves at most `max_transfer` elements or rows, since
// MPI counts are int; longer transfers are split in the same way on all ranks.
struct MpiChannel {
  const Communicator& caller;
  MPI_Comm handle;
  int64_t max_transfer;
};

void PostAllReduce(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& tensor, ReduceOp op);
void PostReduceScatter(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& input,
                       const at::Tensor& output);
void PostBroadcast(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& tensor, int root);
void PostBarrier(const MpiChannel& channel, MpiTransfer& transfer);

// `tag` keeps the messages of one call apart from those of another: a message that nobody expects stays where
// it is.
void PostAllGatherV(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& input,
                    const at::Tensor& output, const std::vector<int64_t>& counts, int tag);
void PostAllToAllV(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& input,
                   const std::vector<int64_t>& send_counts, const at::Tensor& output,
                   const std::vector<int64_t>& recv_counts, int tag);

}  // namespace ppr::dist
