// exp, log, log(1 + exp), sigmoid and GELU on vectors, to within a few units in the last place of float32.
//
// Polynomials are least-maximum fits made for these ranges: exp by degree 6 on [-ln 2 / 2, ln 2 / 2]
// (relative error 2e-9 before rounding), erfc(z) exp(z^2) by degree 8 in 1 / (1 + 0.4 z) for z in [0, 6]
// (3e-9).
#pragma once

#include <cstdint>

#include "model/fused/inline.h"

namespace ppr::model::fused {

template <class V>
PPR_FUSED_INLINE typename V::Floats Exp(typename V::Floats x) {
  using Floats = typename V::Floats;
  // Below, exp is 0 for our purposes; above, it would overflow. A NaN as second operand stays one.
  x = V::Max(V::Set(-87.0F), V::Min(V::Set(88.0F), x));
  const Floats whole = V::Round(V::Mul(x, V::Set(1.44269504088896341F)));
  Floats r = V::NegMulAdd(whole, V::Set(0.693145751953125F), x);  // ln 2 in two parts
  r = V::NegMulAdd(whole, V::Set(1.42860677e-6F), r);
  Floats y = V::Set(0.0013836831581205793F);
  y = V::MulAdd(y, r, V::Set(0.00837482403510628F));
  y = V::MulAdd(y, r, V::Set(0.0416682262639093F));
  y = V::MulAdd(y, r, V::Set(0.16666420072350274F));
  y = V::MulAdd(y, r, V::Set(0.49999992074756877F));
  y = V::MulAdd(y, r, V::Set(1.0F));
  y = V::MulAdd(y, r, V::Set(1.0F));
  return V::Scale2(y, whole);
}

// log(1 + y) for y in [0, 1], by the series of 2 artanh(y / (2 + y)).
template <class V>
PPR_FUSED_INLINE typename V::Floats LogOnePlus(typename V::Floats y) {
  using Floats = typename V::Floats;
  const Floats z = V::Div(y, V::Add(y, V::Set(2.0F)));
  const Floats square = V::Mul(z, z);
  Floats sum = V::Set(2.0F / 15);
  constexpr float kTerms[] = {2.0F / 13, 2.0F / 11, 2.0F / 9, 2.0F / 7, 2.0F / 5, 2.0F / 3, 2.0F};
  for (const float term : kTerms) {
    sum = V::MulAdd(sum, square, V::Set(term));
  }
  return V::Mul(sum, z);
}

// log(x), lane by lane by the library: for a few values a target, not for its scores.
template <class V>
PPR_FUSED_INLINE typename V::Floats Log(typename V::Floats x) {
  float lanes[V::kLanes];
  V::Store(lanes, x);
  for (int64_t i = 0; i < V::kLanes; ++i) lanes[i] = __builtin_logf(lanes[i]);
  return V::Load(lanes);
}

// log(1 + exp(x)), and its derivative, the logistic function.
template <class V>
PPR_FUSED_INLINE typename V::Floats Softplus(typename V::Floats x, typename V::Floats& derivative) {
  using Floats = typename V::Floats;
  const Floats small = Exp<V>(V::Negate(V::Abs(x)));                      // exp(-|x|), in (0, 1]
  const Floats of_negative = V::Div(small, V::Add(small, V::Set(1.0F)));  // logistic(-|x|)
  derivative = V::Select(V::Greater(x, V::Zero()), V::Sub(V::Set(1.0F), of_negative), of_negative);
  return V::Add(V::Max(V::Zero(), x), LogOnePlus<V>(small));
}

// Phi(x), the normal distribution function, and its density phi(x): GELU(x) = x Phi(x) and its derivative is
// Phi(x) + x phi(x).
template <class V>
PPR_FUSED_INLINE typename V::Floats NormalDistribution(typename V::Floats x, typename V::Floats& density) {
  using Floats = typename V::Floats;
  const Floats bounded = V::Min(V::Set(8.4F), V::Abs(x));
  const Floats z = V::Mul(bounded, V::Set(0.70710678118654752F));
  const Floats bell = Exp<V>(V::Mul(V::Mul(bounded, bounded), V::Set(-0.5F)));
  const Floats t = V::Div(V::Set(1.0F), V::MulAdd(z, V::Set(0.4F), V::Set(1.0F)));
  Floats tail = V::Set(0.085723030076689F);
  constexpr float kTerms[] = {-0.45412634418047176F, 0.8176540016354226F,    -0.5407948432247421F,
                              0.5363869956660503F,   0.07871916136336443F,   0.2541522489969244F,
                              0.22208905959399938F,  0.00019669275910116912F};
  for (const float term : kTerms) {
    tail = V::MulAdd(tail, t, V::Set(term));
  }
  tail = V::Mul(V::Mul(tail, bell), V::Set(0.5F));  // Phi(-|x|)
  density = V::Mul(bell, V::Set(0.39894228040143268F));
  return V::Select(V::Greater(x, V::Zero()), V::Sub(V::Set(1.0F), tail), tail);
}

}  // namespace ppr::model::fused
