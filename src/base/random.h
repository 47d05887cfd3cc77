// Counter-based random numbers: a value depends on (seed, site, step, user, position, ...) alone, never on a
// generator's state, so it is the same for any number of ranks or threads and needs no saving
// (docs/contracts.md, contract 1).
//
// Built on the 64-bit finaliser of splitmix64 (Steele, Lea, Flood 2014), applied once per key word.
// Statistical, not cryptographic. All functions are pure and thread-safe.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace ppr {

// What a random number is for. Values are part of what makes a run repeatable: DO NOT CHANGE or reuse them.
enum class RandomSite : uint64_t {
  kInitialRow = 1,     // item table rows: (id, column)
  kInitialDense = 2,   // dense parameters: (hash of the name, element)
  kEpochOrder = 3,     // order of sequences within an epoch: (epoch, user, window)
  kWindowPhase = 4,    // where windows of a long history start: (epoch, user)
  kNegative = 5,       // sampled negatives: (epoch, user, position, k)
  kDropout = 6,        // dropout masks: (step, user, position, view), then the site inside the encoder
  kProfileMask = 7,    // prompt-based augmentation: (step, user, element)
  kBehaviourMask = 8,  // behaviour-based augmentation: (step, user, position)
  kColdUser = 9,       // holdout protocol: (user)
  kColdPart = 10,      // train / dev / test part of cold users: (user)
  kTieOrder = 11,      // --ties=hash: (user, item, row)
  kCandidate = 12,     // evaluation candidates: (user, position, k)
  kWarmDevUser = 13,   // which warm users give a validation case: (user)
  kBootstrap = 14,     // bootstrap resamples: (replicate, draw)
  kTest = 15,
  kSharedNegative = 16,  // negatives of a whole batch: (step, k)
  kClickView = 17,       // CL4SRec's augmented views: (step, user, view)
  kMaskedClick = 18,     // BERT4Rec's masked clicks: (epoch, user, first click of the window)
  kSupportSplit = 19,    // MeLU: where a history is cut into support and query: (epoch, user)
  kSourceClick = 20,     // MiNet: source clicks and negatives of the joint loss: (step, user, target)
};

// The splitmix64 finaliser: a bijection on 64-bit words with full avalanche.
constexpr uint64_t MixBits(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

// A key: derive one with MakeRandomKey, narrow it with With(), draw with Bits().
class RandomKey {
 public:
  constexpr explicit RandomKey(uint64_t state) : state_(state) {}
  // The key narrowed by one more word (a step, a user, a position ...); order matters.
  constexpr RandomKey With(uint64_t word) const {
    return RandomKey(MixBits(state_ ^ MixBits(word + 0xD1B54A32D192ED03ULL)));
  }
  // 64 random bits number `counter` of this key.
  constexpr uint64_t Bits(uint64_t counter = 0) const { return With(counter).state_; }
  // Uniform in [0, 1) with 53 random bits.
  constexpr double Uniform(uint64_t counter = 0) const {
    return static_cast<double>(Bits(counter) >> 11) * 0x1.0p-53;
  }
  // Uniform in [0, bound); bound > 0. Bias below bound / 2^64.
  constexpr uint64_t Below(uint64_t bound, uint64_t counter = 0) const {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Bits(counter)) * bound) >> 64);
  }
  // Standard normal (Box-Muller, one of the pair).
  double Normal(uint64_t counter = 0) const {
    const RandomKey key = With(counter);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - key.Uniform(0)));
    return radius * std::cos(2.0 * std::numbers::pi * key.Uniform(1));
  }
  constexpr uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

constexpr RandomKey MakeRandomKey(uint64_t seed, RandomSite site) {
  return RandomKey(MixBits(seed)).With(static_cast<uint64_t>(site));
}

}  // namespace ppr
