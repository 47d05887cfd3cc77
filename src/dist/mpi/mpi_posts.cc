#include "dist/mpi/mpi_posts.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/checked_cast.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "dist/collective_call.h"
#include "dist/mpi/mpi_check.h"

namespace ppr::dist {
namespace {

MPI_Datatype MpiTypeOf(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kInt:
      return MPI_INT32_T;
    case at::kLong:
      return MPI_INT64_T;
    default:
      throw BugError(Format("no MPI reduction for dtype %s", c10::toString(dtype)));
  }
}

MPI_Op MpiOpOf(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum:
      return MPI_SUM;
    case ReduceOp::kMax:
      return MPI_MAX;
    case ReduceOp::kMin:
      return MPI_MIN;
  }
  throw BugError("unknown reduction");
}

std::string PlaceOf(const MpiChannel& channel, const MpiTransfer& transfer) {
  return dist::PlaceOf(channel.caller, transfer.call().Text());
}

// Calls post(first, count) for consecutive pieces of at most max_transfer of `total` items.
template <typename Post>
void ForEachPiece(int64_t total, int64_t max_transfer, Post post) {
  for (int64_t first = 0; first < total; first += max_transfer) {
    post(first, CheckedCast<int>(std::min(max_transfer, total - first), "items of one MPI call"));
  }
}

const char* ConstBytes(const at::Tensor& tensor) { return static_cast<const char*>(tensor.const_data_ptr()); }
char* MutableBytes(const at::Tensor& tensor) { return static_cast<char*>(tensor.mutable_data_ptr()); }

// What one rank sends to and receives from one peer. Counts in rows of the transfer's row type.
struct Route {
  const char* send = nullptr;
  int64_t send_rows = 0;
  char* recv = nullptr;
  int64_t recv_rows = 0;
};

void PostReceives(const MpiChannel& channel, MpiTransfer& transfer, const Route& route, int peer,
                  int64_t row_bytes, int tag) {
  ForEachPiece(route.recv_rows, channel.max_transfer, [&](int64_t first, int rows) {
    PPR_MPI_CHECK(MPI_Irecv(route.recv + first * row_bytes, rows, transfer.row_type(), peer, tag,
                            channel.handle, transfer.AddReceive(peer, rows)),
                  PlaceOf(channel, transfer));
  });
}

void PostSends(const MpiChannel& channel, MpiTransfer& transfer, const Route& route, int peer,
               int64_t row_bytes, int tag) {
  ForEachPiece(route.send_rows, channel.max_transfer, [&](int64_t first, int rows) {
    PPR_MPI_CHECK(MPI_Isend(route.send + first * row_bytes, rows, transfer.row_type(), peer, tag,
                            channel.handle, transfer.AddRequest()),
                  PlaceOf(channel, transfer));
  });
}

// Sends and receives point to point. MPI's own all-to-all does the same underneath, but takes displacements
// as int, and cannot tell whether a peer sent fewer rows than were expected; messages can, and an empty one
// is not sent at all. Peers are visited at growing distance from this rank, so that not all ranks talk to
// rank 0 first.
void PostRoutes(const MpiChannel& channel, MpiTransfer& transfer, const std::vector<Route>& routes,
                int64_t row_bytes, int tag) {
  if (row_bytes == 0) return;
  const int rank = channel.caller.rank(), size = channel.caller.size();
  for (int distance = 1; distance < size; ++distance) {
    const int peer = (rank - distance + size) % size;
    PostReceives(channel, transfer, routes[static_cast<size_t>(peer)], peer, row_bytes, tag);
  }
  for (int distance = 1; distance < size; ++distance) {
    const int peer = (rank + distance) % size;
    PostSends(channel, transfer, routes[static_cast<size_t>(peer)], peer, row_bytes, tag);
  }
  const Route& own = routes[static_cast<size_t>(rank)];
  if (own.send_rows > 0) std::memcpy(own.recv, own.send, static_cast<size_t>(own.send_rows * row_bytes));
}

}  // namespace

// Open MPI picks the algorithm of a sum by world size and length alone, so that the same input gives the same
// bits each time; it is a tree or a ring, so the order of the terms is not the order of the ranks when W > 2.
void PostAllReduce(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& tensor, ReduceOp op) {
  char* values = MutableBytes(tensor);
  const auto element_bytes = static_cast<int64_t>(tensor.itemsize());
  ForEachPiece(tensor.numel(), channel.max_transfer, [&](int64_t first, int count) {
    PPR_MPI_CHECK(
        MPI_Iallreduce(MPI_IN_PLACE, values + first * element_bytes, count, MpiTypeOf(tensor.scalar_type()),
                       MpiOpOf(op), channel.handle, transfer.AddRequest()),
        PlaceOf(channel, transfer));
  });
}

void PostReduceScatter(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& input,
                       const at::Tensor& output) {
  const MPI_Datatype datatype = MpiTypeOf(input.scalar_type());
  const auto element_bytes = static_cast<int64_t>(input.itemsize());
  if (output.numel() == 0) return;
  if (input.numel() <= channel.max_transfer) {
    PPR_MPI_CHECK(MPI_Ireduce_scatter_block(ConstBytes(input), MutableBytes(output),
                                            CheckedCast<int>(output.numel(), "elements of one MPI call"),
                                            datatype, MPI_SUM, channel.handle, transfer.AddRequest()),
                  PlaceOf(channel, transfer));
    return;
  }
  // Too long for one call: a reduction to each rank in turn, in pieces.
  for (int root = 0; root < channel.caller.size(); ++root) {
    ForEachPiece(output.numel(), channel.max_transfer, [&](int64_t first, int count) {
      const char* from = ConstBytes(input) + (root * output.numel() + first) * element_bytes;
      char* to = MutableBytes(output) + first * element_bytes;  // read by MPI at the root only
      PPR_MPI_CHECK(
          MPI_Ireduce(from, to, count, datatype, MPI_SUM, root, channel.handle, transfer.AddRequest()),
          PlaceOf(channel, transfer));
    });
  }
}

void PostBroadcast(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& tensor, int root) {
  if (tensor.numel() == 0) return;
  const auto element_bytes = static_cast<int64_t>(tensor.itemsize());
  transfer.set_row_type(MakeContiguousDatatype(element_bytes));
  char* values = MutableBytes(tensor);
  ForEachPiece(tensor.numel(), channel.max_transfer, [&](int64_t first, int count) {
    PPR_MPI_CHECK(MPI_Ibcast(values + first * element_bytes, count, transfer.row_type(), root, channel.handle,
                             transfer.AddRequest()),
                  PlaceOf(channel, transfer));
  });
}

void PostBarrier(const MpiChannel& channel, MpiTransfer& transfer) {
  PPR_MPI_CHECK(MPI_Ibarrier(channel.handle, transfer.AddRequest()), PlaceOf(channel, transfer));
}

void PostAllGatherV(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& input,
                    const at::Tensor& output, const std::vector<int64_t>& counts, int tag) {
  const int64_t row_bytes = RowBytes(output);
  if (output.numel() == 0) return;
  transfer.set_row_type(MakeContiguousDatatype(row_bytes));
  if (RowsOf(output) <= channel.max_transfer) {
    std::vector<int> int_counts, first_rows;
    int64_t row = 0;
    for (const int64_t count : counts) {
      int_counts.push_back(CheckedCast<int>(count, "rows of one MPI call"));
      first_rows.push_back(CheckedCast<int>(row, "first row of one MPI call"));
      row += count;
    }
    // MPI reads the counts until the transfer is complete, hence the transfer keeps them.
    const auto& [kept_counts, kept_rows] = transfer.KeepCounts(std::move(int_counts), std::move(first_rows));
    PPR_MPI_CHECK(
        MPI_Iallgatherv(ConstBytes(input), CheckedCast<int>(RowsOf(input), "rows of one MPI call"),
                        transfer.row_type(), MutableBytes(output), kept_counts.data(), kept_rows.data(),
                        transfer.row_type(), channel.handle, transfer.AddRequest()),
        PlaceOf(channel, transfer));
    return;
  }
  std::vector<Route> routes;
  char* recv = MutableBytes(output);
  for (const int64_t count : counts) {
    routes.push_back({ConstBytes(input), RowsOf(input), recv, count});
    recv += count * row_bytes;
  }
  PostRoutes(channel, transfer, routes, row_bytes, tag);
}

void PostAllToAllV(const MpiChannel& channel, MpiTransfer& transfer, const at::Tensor& input,
                   const std::vector<int64_t>& send_counts, const at::Tensor& output,
                   const std::vector<int64_t>& recv_counts, int tag) {
  const int64_t row_bytes = RowBytes(input);
  if (row_bytes > 0) transfer.set_row_type(MakeContiguousDatatype(row_bytes));
  std::vector<Route> routes;
  const char* send = ConstBytes(input);
  char* recv = MutableBytes(output);
  for (size_t peer = 0; peer < send_counts.size(); ++peer) {
    routes.push_back({send, send_counts[peer], recv, recv_counts[peer]});
    send += send_counts[peer] * row_bytes;
    recv += recv_counts[peer] * row_bytes;
  }
  PostRoutes(channel, transfer, routes, row_bytes, tag);
}

}  // namespace ppr::dist
