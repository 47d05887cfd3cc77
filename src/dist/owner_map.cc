#include "dist/owner_map.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::dist {
namespace {

// floor(V / golden ratio) for any V below 2^63: V * floor(2^64 / golden ratio) / 2^64, in integers, since a
// double would round differently on other machines and for V above 2^53.
int64_t GoldenSection(int64_t num_items) {
  constexpr uint64_t kInverseGoldenRatio = 0x9E3779B97F4A7C15ULL;  // * 2^-64
  const auto product = static_cast<unsigned __int128>(num_items) * kInverseGoldenRatio;
  return static_cast<int64_t>(product >> 64);
}

// The smallest a >= V / golden ratio, a >= 1, coprime to V. Exists below V for V >= 2, since V - 1 is coprime
// to V.
int64_t CoprimeMultiplier(int64_t num_items) {
  int64_t multiplier = std::max<int64_t>(1, GoldenSection(num_items));
  while (std::gcd(multiplier, num_items) != 1) ++multiplier;
  return multiplier;
}

// x with value * x = 1 mod modulus (extended Euclid); value and modulus are coprime.
int64_t ModularInverse(int64_t value, int64_t modulus) {
  int64_t r = modulus, next_r = value % modulus;
  int64_t t = 0, next_t = 1;
  while (next_r != 0) {
    const int64_t quotient = r / next_r;
    r = std::exchange(next_r, r - quotient * next_r);
    t = std::exchange(next_t, t - quotient * next_t);
  }
  return t < 0 ? t + modulus : t;
}

}  // namespace

OwnerMap::OwnerMap(int64_t num_items, int world_size) : num_items_(num_items), world_size_(world_size) {
  PPR_BUG_IF_NOT(num_items >= 1 && world_size >= 1, Format("an owner map of %lld items on %d ranks",
                                                           static_cast<long long>(num_items), world_size));
  multiplier_ = CoprimeMultiplier(num_items) % num_items;
  inverse_ = ModularInverse(multiplier_, num_items);
  shift_ = num_items / 3;
}

int64_t OwnerMap::id(int rank, int64_t slot) const {
  PPR_BUG_IF_NOT(rank >= 0 && rank < world_size_ && slot >= 0 && slot < num_rows(rank),
                 Format("rank %d has no slot %lld", rank, static_cast<long long>(slot)));
  const int64_t scattered = slot * world_size_ + rank;
  const int64_t unshifted = scattered >= shift_ ? scattered - shift_ : scattered - shift_ + num_items_;
  return static_cast<int64_t>(static_cast<unsigned __int128>(unshifted) *
                              static_cast<unsigned __int128>(inverse_) %
                              static_cast<unsigned __int128>(num_items_)) +
         1;
}

int64_t OwnerMap::num_rows(int rank) const { return (num_items_ - rank + world_size_ - 1) / world_size_; }

}  // namespace ppr::dist
