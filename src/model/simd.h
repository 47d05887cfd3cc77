// Vector lanes for the hot CPU loops of this room: GCC vector types of 64 bytes, which the compiler lowers to
// whatever the target has. For functions that are PPR_MULTI_TARGET (base/multi_target.h): what they call of
// this is PPR_INLINE, so that it is compiled for the same level.
#pragma once

#include <cstdint>
#include <cstring>

#define PPR_INLINE inline __attribute__((always_inline))

// Passing 64-byte vectors between functions would depend on the target; everything here is inlined, so none
// are passed.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"

namespace ppr::model::simd {

template <typename Scalar>
struct LanesOf {
  using Bits = int32_t;
};
template <>
struct LanesOf<double> {
  using Bits = int64_t;
};

// kLanes<Scalar> scalars side by side, and as many integers of the same size.
template <typename Scalar>
inline constexpr int64_t kLanes = 64 / static_cast<int64_t>(sizeof(Scalar));
template <typename Scalar>
using Vec __attribute__((vector_size(64))) = Scalar;
template <typename Scalar>
using IntVec __attribute__((vector_size(64))) = typename LanesOf<Scalar>::Bits;

template <typename Scalar>
PPR_INLINE void Load(const Scalar* from, Vec<Scalar>& lanes) {
  std::memcpy(&lanes, from, sizeof(lanes));
}

template <typename Scalar>
PPR_INLINE void Store(const Vec<Scalar>& lanes, Scalar* to) {
  std::memcpy(to, &lanes, sizeof(lanes));
}

template <typename Scalar>
PPR_INLINE Scalar Sum(const Vec<Scalar>& lanes) {
  Scalar parts[kLanes<Scalar>];
  Store<Scalar>(lanes, parts);
  for (int64_t width = kLanes<Scalar> / 2; width > 0; width /= 2) {
    for (int64_t i = 0; i < width; ++i) parts[i] += parts[i + width];
  }
  return parts[0];
}

template <typename Scalar>
PPR_INLINE Scalar Max(const Vec<Scalar>& lanes) {
  Scalar parts[kLanes<Scalar>];
  Store<Scalar>(lanes, parts);
  for (int64_t width = kLanes<Scalar> / 2; width > 0; width /= 2) {
    for (int64_t i = 0; i < width; ++i) parts[i] = parts[i] > parts[i + width] ? parts[i] : parts[i + width];
  }
  return parts[0];
}

// a . b over n elements.
template <typename Scalar>
PPR_INLINE Scalar Dot(const Scalar* a, const Scalar* b, int64_t n) {
  Vec<Scalar> sum{};
  int64_t i = 0;
  for (; i + kLanes<Scalar> <= n; i += kLanes<Scalar>) {
    Vec<Scalar> x, y;
    Load<Scalar>(a + i, x);
    Load<Scalar>(b + i, y);
    sum += x * y;
  }
  Scalar tail = 0;
  for (; i < n; ++i) tail += a[i] * b[i];
  return Sum<Scalar>(sum) + tail;
}

// y += factor * x over n elements.
template <typename Scalar>
PPR_INLINE void AddScaled(Scalar factor, const Scalar* x, Scalar* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

}  // namespace ppr::model::simd

#pragma GCC diagnostic pop
