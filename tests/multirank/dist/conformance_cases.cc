#include "multirank/dist/conformance_cases.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <sstream>
#include <thread>

namespace ppr::dist::test {
namespace {

// None, one, a prime below, and a prime above the lowered transfer limit.
constexpr int64_t kLengths[] = {0, 1, 13, 1009};
constexpr at::ScalarType kDtypes[] = {at::kFloat, at::kDouble, at::kInt, at::kLong};

// Row i of rank r's tensor [rows, width] holds 100 r + i + j / 4 in column j (j in integer dtypes), below
// 2^14 and a multiple of 1/4: sums over four ranks are exact in float32.
at::Tensor RankTensor(int rank, int64_t rows, int64_t width, at::ScalarType dtype) {
  const at::Tensor row = at::arange(rows, at::kDouble).view({rows, 1});
  const double scale = at::isFloatingType(dtype) ? 0.25 : 1.0;
  const at::Tensor column = (at::arange(width, at::kDouble) * scale).view({1, width});
  return (row + column + 100.0 * rank).to(dtype).contiguous();
}

std::string TextOf(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor;
  return text.str().substr(0, 400);
}

void ExpectEqual(const at::Tensor& found, const at::Tensor& expected, const Communicator& communicator,
                 const std::string& what) {
  EXPECT_TRUE(found.sizes() == expected.sizes() && at::equal(found, expected))
      << what << " on rank " << communicator.rank() << " of " << communicator.size() << "\nfound "
      << TextOf(found) << "\nexpected " << TextOf(expected);
}

// Rows that rank `from` sends to rank `to`: uneven, and none for a third of the pairs.
int64_t PairRows(int from, int to) { return (2 * from + to) % 3 * (from + 2); }

void AllReduceSum(Communicator& communicator) {
  const int size = communicator.size();
  for (const at::ScalarType dtype : kDtypes) {
    for (const int64_t rows : kLengths) {
      at::Tensor tensor = RankTensor(communicator.rank(), rows, 3, dtype);
      communicator.AllReduce(tensor);
      // sum over r of (x + 100 r) = W x + 100 W (W - 1) / 2
      const at::Tensor expected = RankTensor(0, rows, 3, dtype) * size + 50 * size * (size - 1);
      ExpectEqual(tensor, expected, communicator, "AllReduce sum");
    }
  }
}

void AllReduceMaxMin(Communicator& communicator) {
  for (const at::ScalarType dtype : kDtypes) {
    for (const int64_t rows : kLengths) {
      at::Tensor largest = RankTensor(communicator.rank(), rows, 2, dtype);
      at::Tensor smallest = largest.neg();
      communicator.AllReduce(largest, ReduceOp::kMax);
      communicator.AllReduce(smallest, ReduceOp::kMin);
      const at::Tensor expected = RankTensor(communicator.size() - 1, rows, 2, dtype);
      ExpectEqual(largest, expected, communicator, "AllReduce max");
      ExpectEqual(smallest, expected.neg(), communicator, "AllReduce min");
    }
  }
}

// Values whose float32 sum depends on the order; the same call must give the same bits, on all ranks.
void AllReduceRepeatsItsBits(Communicator& communicator) {
  const at::Tensor index = at::arange(1009, at::kFloat);
  const at::Tensor input = at::sin(index * (1.0 + communicator.rank())) * at::pow(10.0, index.remainder(7));
  at::Tensor first = input.clone();
  communicator.AllReduce(first);
  for (int repeat = 0; repeat < 3; ++repeat) {
    at::Tensor again = input.clone();
    communicator.AllReduce(again);
    ExpectEqual(again, first, communicator, "AllReduce repeated");
  }
  at::Tensor of_root = first.clone();
  communicator.Broadcast(of_root, 0);
  ExpectEqual(first, of_root, communicator, "AllReduce on this rank against rank 0");
}

void AllGather(Communicator& communicator) {
  for (const at::ScalarType dtype : {at::kFloat, at::kLong, at::kByte}) {
    for (const int64_t rows : kLengths) {
      at::Tensor output = at::full({communicator.size() * rows, 3}, 77, dtype);
      communicator.AllGather(RankTensor(communicator.rank(), rows, 3, dtype), output);
      std::vector<at::Tensor> parts;
      for (int rank = 0; rank < communicator.size(); ++rank)
        parts.push_back(RankTensor(rank, rows, 3, dtype));
      ExpectEqual(output, at::cat(parts), communicator, "AllGather");
    }
  }
}

void AllGatherV(Communicator& communicator) {
  for (const int64_t scale : {int64_t{0}, int64_t{1}, int64_t{101}}) {
    std::vector<int64_t> counts;
    std::vector<at::Tensor> parts;
    for (int rank = 0; rank < communicator.size(); ++rank) {
      counts.push_back(scale * ((rank + 1) % 3));  // rank 2 has none
      parts.push_back(RankTensor(rank, counts.back(), 2, at::kDouble));
    }
    const at::Tensor expected = at::cat(parts);
    at::Tensor output = at::full_like(expected, 77);
    communicator.AllGatherV(parts[static_cast<size_t>(communicator.rank())], output, counts);
    ExpectEqual(output, expected, communicator, "AllGatherV");
  }
}

void ReduceScatter(Communicator& communicator) {
  const int size = communicator.size();
  for (const at::ScalarType dtype : kDtypes) {
    for (const int64_t rows : kLengths) {
      at::Tensor output = at::full({rows, 2}, 77, dtype);
      communicator.ReduceScatter(RankTensor(communicator.rank(), size * rows, 2, dtype), output);
      const at::Tensor all = RankTensor(0, size * rows, 2, dtype) * size + 50 * size * (size - 1);
      ExpectEqual(output, all.narrow(0, communicator.rank() * rows, rows), communicator, "ReduceScatter");
    }
  }
}

void AllToAll(Communicator& communicator) {
  const int rank = communicator.rank();
  for (const int64_t rows : kLengths) {
    at::Tensor output = at::full({communicator.size() * rows, 2, 2}, 77, at::kFloat);
    const at::Tensor input = RankTensor(rank, communicator.size() * rows, 4, at::kFloat).view({-1, 2, 2});
    communicator.AllToAll(input, output);
    std::vector<at::Tensor> parts;
    for (int peer = 0; peer < communicator.size(); ++peer) {
      parts.push_back(
          RankTensor(peer, communicator.size() * rows, 4, at::kFloat).narrow(0, rank * rows, rows));
    }
    ExpectEqual(output, at::cat(parts).view({-1, 2, 2}), communicator, "AllToAll");
  }
}

// The tensors and counts of an uneven all-to-all: `scale` times PairRows(from, to) rows for each pair.
struct UnevenExchange {
  UnevenExchange(const Communicator& communicator, int64_t scale, at::ScalarType dtype) {
    std::vector<at::Tensor> parts;
    for (int peer = 0; peer < communicator.size(); ++peer) {
      send_counts.push_back(scale * PairRows(communicator.rank(), peer));
      recv_counts.push_back(scale * PairRows(peer, communicator.rank()));
      // Peer's input starts with what it sends to the ranks before us.
      int64_t before = 0;
      for (int other = 0; other < communicator.rank(); ++other) before += scale * PairRows(peer, other);
      parts.push_back(
          RankTensor(peer, before + recv_counts.back(), 3, dtype).narrow(0, before, recv_counts.back()));
    }
    const int64_t sent = std::accumulate(send_counts.begin(), send_counts.end(), int64_t{0});
    input = RankTensor(communicator.rank(), sent, 3, dtype);
    expected = at::cat(parts);
    output = at::full_like(expected, 77);
  }

  std::vector<int64_t> send_counts;
  std::vector<int64_t> recv_counts;
  at::Tensor input;
  at::Tensor expected;
  at::Tensor output;
};

void AllToAllV(Communicator& communicator) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kLong}) {
    for (const int64_t scale : {int64_t{0}, int64_t{1}, int64_t{37}}) {
      UnevenExchange exchange(communicator, scale, dtype);
      communicator.AllToAllV(exchange.input, exchange.send_counts, exchange.output, exchange.recv_counts);
      ExpectEqual(exchange.output, exchange.expected, communicator, "AllToAllV");
    }
  }
}

// Several collectives under way at once, waited for in the reverse order: ranks may wait in any order.
void AsyncWorksOverlap(Communicator& communicator) {
  const int size = communicator.size();
  at::Tensor sum = RankTensor(communicator.rank(), 1009, 3, at::kFloat);
  at::Tensor largest = RankTensor(communicator.rank(), 13, 1, at::kDouble);
  UnevenExchange exchange(communicator, 37, at::kFloat);
  const std::unique_ptr<Work> summing = communicator.AllReduceAsync(sum, ReduceOp::kSum);
  const std::unique_ptr<Work> exchanging = communicator.AllToAllVAsync(exchange.input, exchange.send_counts,
                                                                       exchange.output, exchange.recv_counts);
  const std::unique_ptr<Work> comparing = communicator.AllReduceAsync(largest, ReduceOp::kMax);
  if (communicator.rank() % 2 == 0) {
    comparing->Wait();
    exchanging->Wait();
    summing->Wait();
  } else {
    summing->Wait();
    comparing->Wait();
    exchanging->Wait();
  }
  ExpectEqual(sum, RankTensor(0, 1009, 3, at::kFloat) * size + 50 * size * (size - 1), communicator,
              "async sum");
  ExpectEqual(largest, RankTensor(size - 1, 13, 1, at::kDouble), communicator, "async max");
  ExpectEqual(exchange.output, exchange.expected, communicator, "async AllToAllV");
}

// A Work that nobody waits for keeps its buffers: the tensors here die before the collective need be
// complete.
void DroppedWorkIsHarmless(Communicator& communicator) {
  for (int repeat = 0; repeat < 3; ++repeat) {
    const std::unique_ptr<Work> dropped =
        communicator.AllReduceAsync(RankTensor(communicator.rank(), 1009, 3, at::kFloat), ReduceOp::kSum);
  }
  at::Tensor tensor = RankTensor(communicator.rank(), 13, 1, at::kLong);
  communicator.AllReduce(tensor, ReduceOp::kMax);
  ExpectEqual(tensor, RankTensor(communicator.size() - 1, 13, 1, at::kLong), communicator,
              "AllReduce after drops");
  communicator.Barrier();
}

void Broadcast(Communicator& communicator) {
  for (int root = 0; root < communicator.size(); ++root) {
    for (const at::ScalarType dtype : {at::kFloat, at::kLong, at::kByte}) {
      for (const int64_t rows : kLengths) {
        at::Tensor tensor = RankTensor(communicator.rank(), rows, 2, dtype);
        communicator.Broadcast(tensor, root);
        ExpectEqual(tensor, RankTensor(root, rows, 2, dtype), communicator, "Broadcast");
      }
    }
  }
}

// No rank leaves a barrier before the last has entered it, by the clock of the machine that all ranks share.
void BarrierHoldsBack(Communicator& communicator) {
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  for (int repeat = 0; repeat < 8; ++repeat) {
    // Another rank is late each time.
    if (repeat % communicator.size() == communicator.rank())
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    at::Tensor last_entry = at::full({1}, now(), at::kLong);
    communicator.Barrier();
    at::Tensor first_exit = at::full({1}, now(), at::kLong);
    communicator.AllReduce(last_entry, ReduceOp::kMax);
    communicator.AllReduce(first_exit, ReduceOp::kMin);
    EXPECT_LE(*last_entry.const_data_ptr<int64_t>(), *first_exit.const_data_ptr<int64_t>());
  }
}

void AllOkNeedsAll(Communicator& communicator) {
  EXPECT_TRUE(AllOk(communicator, true));
  EXPECT_FALSE(AllOk(communicator, false));
  for (int rank = 0; rank < communicator.size(); ++rank)
    EXPECT_FALSE(AllOk(communicator, communicator.rank() != rank));
}

void Texts(Communicator& communicator) {
  const auto text_of = [](int rank) {
    return std::string(static_cast<size_t>(rank * 7), 'a') + std::string("\0z", 2);
  };
  for (int root = 0; root < communicator.size(); ++root) {
    EXPECT_EQ(BroadcastText(communicator, text_of(communicator.rank()), root), text_of(root));
  }
  EXPECT_EQ(BroadcastText(communicator, ""), "");
  const std::vector<std::string> texts = AllGatherText(communicator, text_of(communicator.rank()));
  EXPECT_EQ(static_cast<int>(texts.size()), communicator.size());
  for (size_t rank = 0; rank < texts.size(); ++rank) EXPECT_EQ(texts[rank], text_of(static_cast<int>(rank)));
}

}  // namespace

const std::vector<ConformanceCase>& ConformanceCases() {
  static const auto* const cases = new std::vector<ConformanceCase>{
      {"AllReduceSum", AllReduceSum},
      {"AllReduceMaxMin", AllReduceMaxMin},
      {"AllReduceRepeatsItsBits", AllReduceRepeatsItsBits},
      {"AllGather", AllGather},
      {"AllGatherV", AllGatherV},
      {"ReduceScatter", ReduceScatter},
      {"AllToAll", AllToAll},
      {"AllToAllV", AllToAllV},
      {"AsyncWorksOverlap", AsyncWorksOverlap},
      {"DroppedWorkIsHarmless", DroppedWorkIsHarmless},
      {"Broadcast", Broadcast},
      {"BarrierHoldsBack", BarrierHoldsBack},
      {"AllOkNeedsAll", AllOkNeedsAll},
      {"Texts", Texts},
  };
  return *cases;
}

}  // namespace ppr::dist::test
