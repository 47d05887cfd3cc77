// Which rank keeps which row of the item table, and where: the one owner function, used by routing,
// initialisation, checkpoints, evaluation and negatives (docs/contracts.md, contract 3).
//
// Ids 1..V are scattered by the affine bijection scatter(id) = (id - 1) * a + b mod V with a coprime to V and
// near V / golden ratio and b = floor(V / 3), then owner = scatter mod W and slot = scatter / W. Neighbouring
// (equally popular) ids land on different ranks, every rank gets floor or ceil of V / W rows, and slots are
// dense. A pure function of (V, W): "affine-1" is its name in checkpoints. DO NOT CHANGE it without a new
// name.
#pragma once

#include <cstdint>

namespace ppr::dist {

class OwnerMap {
 public:
  static constexpr const char* kName = "affine-1";

  // num_items >= 1, world_size >= 1.
  OwnerMap(int64_t num_items, int world_size);

  int64_t num_items() const { return num_items_; }
  int world_size() const { return static_cast<int>(world_size_); }
  // id in 1..V.
  int owner(int64_t id) const { return static_cast<int>(Scatter(id) % world_size_); }
  int64_t slot(int64_t id) const { return Scatter(id) / world_size_; }
  // Both at once.
  struct Place {
    int owner;
    int64_t slot;
  };
  Place Locate(int64_t id) const {
    const int64_t scattered = Scatter(id);
    if (world_size_ == 1) return {0, scattered};
    return {static_cast<int>(scattered % world_size_), scattered / world_size_};
  }
  // Inverse: the id kept by `rank` at `slot`; slot < num_rows(rank).
  int64_t id(int rank, int64_t slot) const;
  // Rows that `rank` keeps; may be 0 when V < W.
  int64_t num_rows(int rank) const;

 private:
  int64_t Scatter(int64_t id) const {
    // The product of two numbers below 2^31 fits 64 bits, and a 64-bit division is several times faster.
    const auto position = static_cast<uint64_t>(id - 1);
    const auto a = static_cast<uint64_t>(multiplier_), modulus = static_cast<uint64_t>(num_items_);
    const uint64_t product =
        num_items_ < (int64_t{1} << 31)
            ? position * a % modulus
            : static_cast<uint64_t>(static_cast<unsigned __int128>(position) * a % modulus);
    const uint64_t shifted = product + static_cast<uint64_t>(shift_);  // below 2^64: both are below V < 2^63
    return static_cast<int64_t>(shifted >= modulus ? shifted - modulus : shifted);
  }

  int64_t num_items_;
  int64_t world_size_;
  int64_t multiplier_;
  int64_t inverse_;
  int64_t shift_;
};

}  // namespace ppr::dist
