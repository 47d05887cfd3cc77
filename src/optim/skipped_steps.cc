#include "optim/skipped_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace ppr::optim {

namespace {

constexpr double kCentre = 0.7;  // of x, in units of u_1: of the values tried, the best for (0.9, 0.98)
constexpr double kExactness = 0x1p-18;

}  // namespace

SkippedSteps::SkippedSteps(const AdamConfig& config, int64_t num_terms, Decay decay)
    : epsilon_(config.epsilon),
      rho_(std::sqrt(config.beta2)),
      log2_beta1_(std::log2(config.beta1)),
      log2_beta2_(std::log2(config.beta2)),
      num_terms_(num_terms),
      decay_(std::move(decay)) {
  const size_t size = static_cast<size_t>(num_terms) + 1;
  ratio_power_.resize(size);
  root_power_.resize(size);
  for (size_t j = 1; j < size; ++j) {
    ratio_power_[j] = std::pow(config.beta1 / rho_, static_cast<double>(j));
    root_power_[j] = std::pow(rho_, static_cast<double>(j - 1));
  }
  Restart();
}

void SkippedSteps::Restart() {
  const size_t size = static_cast<size_t>(num_terms_) + 1;
  now_ = 0;
  unchanged_ = 0;
  for (SumsByGap* sums : {&sums_, &next_sums_}) {
    for (std::vector<double>& sum : *sums) sum.assign(size, 0.0);
  }
  first_root_.assign(size, 0.0);
  next_first_root_.assign(size, 0.0);
  rules_.assign(size, {});
  finished_.clear();
  if (num_terms_ == 0) finished_.push_back(RuleOfFewSteps(nullptr, 0));  // beta1 = 0: nothing ever moves
}

void SkippedSteps::AdvanceTo(int64_t now, const StepCoefficients& coefficients) {
  if (now < now_) Restart();
  bool changed = false;
  while (now_ < now) {
    ++now_;
    const bool same =
        now_ > 1 && coefficients.Of(now_) == coefficients.Of(now_ - 1) && Kept(now_) == Kept(now_ - 1);
    unchanged_ = same ? unchanged_ + 1 : 0;
    // All terms of every gap are those that it had a step ago, and so are the sums.
    if (unchanged_ >= num_terms_) continue;
    AddStep(coefficients.Of(now_), Kept(now_));
    changed = true;
    const int64_t oldest = now_ - num_terms_;
    if (oldest < 0) continue;
    if (!finished_.empty()) finished_.resize(static_cast<size_t>(oldest), finished_.back());
    finished_.push_back(RuleOfGap(num_terms_, coefficients));
  }
  if (!changed) return;
  for (int64_t gap = 1; gap <= std::min(num_terms_, now_); ++gap) {
    rules_[static_cast<size_t>(gap)] = RuleOfGap(gap, coefficients);
  }
}

const SkippedSteps::Rule& SkippedSteps::From(int64_t t) const {
  const int64_t gap = now_ - t;
  if (gap <= num_terms_) return rules_[static_cast<size_t>(gap)];
  return finished_[std::min(static_cast<size_t>(t), finished_.size() - 1)];
}

float SkippedSteps::FirstDecay(int64_t count) const {
  return static_cast<float>(std::exp2(log2_beta1_ * static_cast<double>(count)));
}

float SkippedSteps::SecondDecay(int64_t count) const {
  return static_cast<float>(std::exp2(log2_beta2_ * static_cast<double>(count)));
}

// The step is the last term of every gap, and the only one of gap 1; what was gap k - 1 becomes gap k.
void SkippedSteps::AddStep(const AdamCoefficients<float>& step, double kept) {
  const double root = 1 / static_cast<double>(step.root_scale);
  const double weight = static_cast<double>(step.step_size) * root;
  first_root_[0] = root;
  for (size_t k = 1; k <= static_cast<size_t>(num_terms_); ++k) {
    const double first_root = first_root_[k - 1];
    next_first_root_[k] = first_root;
    const double q = first_root * step.root_scale * root_power_[k];  // u_1 / u
    const double x = (1 - q) / (1 + kCentre * q);
    double term = weight * ratio_power_[k];
    const double weighted = term * q;
    for (size_t p = 0; p < kNumMoments; ++p) {
      next_sums_[p][k] = sums_[p][k - 1] * kept + term;
      term *= x;
    }
    for (size_t p = 0; p < kProbes.size(); ++p) {
      next_sums_[kNumMoments + p][k] = sums_[kNumMoments + p][k - 1] * kept + weighted / (1 + kProbes[p] * q);
    }
  }
  std::swap(sums_, next_sums_);
  std::swap(first_root_, next_first_root_);
}

SkippedSteps::Rule SkippedSteps::RuleOfGap(int64_t gap, const StepCoefficients& coefficients) const {
  if (gap <= 3) return RuleOfFewSteps(coefficients.After(now_ - gap), gap);
  const size_t k = static_cast<size_t>(gap);
  std::array<double, kNumMoments> moments;
  for (size_t p = 0; p < kNumMoments; ++p) moments[p] = sums_[p][k];
  const GaussRule gauss = GaussRuleOf(moments);
  const double first_u = first_root_[k] / rho_;
  Rule rule;
  std::array<double, 3> inverse;  // u_1 / u
  for (size_t q = 0; q < 3; ++q) {
    inverse[q] = std::max(0.0, (1 - gauss.nodes[q]) / (1 + kCentre * gauss.nodes[q]));
    rule.nodes.weights[q] = static_cast<float>(gauss.weights[q]);
    rule.nodes.offsets[q] = static_cast<float>(epsilon_ * first_u / inverse[q]);
  }
  size_t first_exact = kProbes.size();  // with all probes past it
  while (first_exact > 0 && IsExact(gauss, inverse, first_exact - 1, k)) --first_exact;
  if (first_exact == kProbes.size()) {
    rule.least_v = std::numeric_limits<float>::infinity();
  } else {
    const double least_root = kProbes[first_exact] * epsilon_ * first_u;
    rule.least_v = static_cast<float>(least_root * least_root);
  }
  return rule;
}

bool SkippedSteps::IsExact(const GaussRule& rule, const std::array<double, 3>& inverse, size_t probe,
                           size_t gap) const {
  double found = 0;
  for (size_t q = 0; q < 3; ++q) {
    found += rule.weights[q] * inverse[q] / (1 + kProbes[probe] * inverse[q]);
  }
  const double expected = sums_[kNumMoments + probe][gap];
  return std::abs(found - expected) <= kExactness * expected;
}

// As many nodes as steps: the terms themselves.
SkippedSteps::Rule SkippedSteps::RuleOfFewSteps(const AdamCoefficients<float>* steps, int64_t count) const {
  Rule rule;
  for (size_t q = 0; q < 3; ++q) {
    rule.nodes.offsets[q] = static_cast<float>(epsilon_);
    if (q >= static_cast<size_t>(count)) continue;
    const double root = 1 / static_cast<double>(steps[q].root_scale);
    double weight = steps[q].step_size * root * ratio_power_[q + 1];
    for (int64_t later = now_ - count + static_cast<int64_t>(q) + 2; later <= now_; ++later)
      weight *= Kept(later);
    rule.nodes.weights[q] = static_cast<float>(weight);
    rule.nodes.offsets[q] = static_cast<float>(epsilon_ * root / (rho_ * root_power_[q + 1]));
  }
  return rule;
}

}  // namespace ppr::optim
