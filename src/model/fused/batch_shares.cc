#include "model/fused/batch_shares.h"

#include <algorithm>

namespace ppr::model::fused {
namespace {

// Tokens that a chunk is filled up to; a longer sequence is a chunk of its own. Larger chunks fill more whole
// register tiles; far larger ones leave the second-level cache.
constexpr int64_t kChunkTokens = 96;
// Sequences that a chunk takes at most: empty ones cost scratch memory too.
constexpr int64_t kChunkSequences = 96;

// Multiply-adds of a sequence of n tokens in a block; at least 1, so that empty sequences go to some thread.
int64_t WorkOf(const EncoderShape& shape, int64_t n) {
  const int64_t d = shape.width;
  return n * (4 * d * d + 2 * d * shape.ffn_width + d * (n + 1)) + 1;
}

// Cuts sequences [first, last) into chunks.
void MakeChunks(const Kernels& kernels, const EncoderShape& shape, const std::vector<int64_t>& offsets,
                int64_t first, int64_t last, Share* share) {
  *share = Share{std::move(share->chunks), std::move(share->saved_at)};
  share->chunks.clear();
  share->saved_at.clear();
  while (first < last) {
    Chunk chunk{first, first + 1};
    const auto tokens_to = [&](int64_t end) {
      return offsets[static_cast<size_t>(end)] - offsets[static_cast<size_t>(first)];
    };
    while (chunk.last < last && chunk.last - chunk.first < kChunkSequences &&
           tokens_to(chunk.last + 1) <= kChunkTokens) {
      ++chunk.last;
    }
    const ChunkMemory memory = kernels.encoder_memory(shape, offsets.data(), chunk);
    share->chunks.push_back(chunk);
    share->saved_at.push_back(share->saved_total);
    share->saved_total += memory.saved;
    share->saved_largest = std::max(share->saved_largest, memory.saved);
    share->scratch_largest = std::max(share->scratch_largest, memory.scratch);
    share->tokens_largest = std::max(share->tokens_largest, tokens_to(chunk.last));
    first = chunk.last;
  }
}

}  // namespace

void SplitBatch(const Kernels& kernels, const EncoderShape& shape, const std::vector<int64_t>& offsets,
                int64_t threads, int64_t busy_multiply_adds, std::vector<Share>* shares) {
  const auto sequences = static_cast<int64_t>(offsets.size()) - 1;
  const auto work_of = [&](int64_t b) {
    return WorkOf(shape, offsets[static_cast<size_t>(b) + 1] - offsets[static_cast<size_t>(b)]);
  };
  // WorkOf counts one block's forward pass; a batch goes through all blocks, three times as much with the way
  // back.
  const int64_t busy = busy_multiply_adds / (3 * shape.blocks);
  int64_t total = busy;
  for (int64_t b = 0; b < sequences; ++b) total += work_of(b);
  shares->resize(static_cast<size_t>(threads));
  int64_t first = 0, done = busy;
  for (int64_t thread = 0; thread < threads; ++thread) {
    const int64_t goal = thread + 1 < threads ? total / threads * (thread + 1) : total;
    int64_t last = first;
    for (; last < sequences && done + work_of(last) / 2 <= goal; ++last) done += work_of(last);
    if (thread + 1 == threads) last = sequences;
    MakeChunks(kernels, shape, offsets, first, last, &(*shares)[static_cast<size_t>(thread)]);
    first = last;
  }
}

}  // namespace ppr::model::fused
