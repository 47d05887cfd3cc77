#include "model/dense_parameters.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string_view>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::model {
namespace {

// FNV-1a of a parameter's name: its word in the random key. DO NOT CHANGE: initial values follow from it.
uint64_t HashOfName(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

int64_t Numel(const std::vector<int64_t>& shape) {
  int64_t numel = 1;
  for (const int64_t extent : shape) numel *= extent;
  return numel;
}

}  // namespace

at::Tensor PartOf(const at::Tensor& flat, const DenseParameter& parameter) {
  return flat.narrow(0, parameter.offset, parameter.numel).view(parameter.shape);
}

DenseParameters::DenseParameters(uint64_t seed, double init_std, at::TensorOptions options)
    : seed_(seed), init_std_(init_std), options_(options) {}

int DenseParameters::Add(std::string name, std::vector<int64_t> shape, ParameterGroup group, Init init) {
  PPR_BUG_IF_NOT(!values_.defined(), "parameter " + name + " was declared after Allocate()");
  for (const DenseParameter& other : parameters_) {
    PPR_BUG_IF_NOT(other.name != name, "two parameters are named " + name);
  }
  DenseParameter parameter;
  parameter.name = std::move(name);
  parameter.numel = Numel(shape);
  parameter.shape = std::move(shape);
  parameter.group = group;
  if (!parameters_.empty()) parameter.offset = parameters_.back().offset + parameters_.back().numel;
  parameters_.push_back(std::move(parameter));
  inits_.push_back(init);
  return static_cast<int>(parameters_.size()) - 1;
}

void DenseParameters::Allocate() {
  PPR_BUG_IF_NOT(!values_.defined(), "Allocate() was called twice");
  const int64_t total = parameters_.empty() ? 0 : parameters_.back().offset + parameters_.back().numel;
  const at::TensorOptions on_host = at::TensorOptions().dtype(at::kDouble);
  at::Tensor initial =
      at::zeros({total}, on_host);  // in double, so that every dtype starts from the same values
  double* const initial_values = initial.mutable_data_ptr<double>();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const DenseParameter& parameter = parameters_[i];
    const RandomKey key = MakeRandomKey(seed_, RandomSite::kInitialDense).With(HashOfName(parameter.name));
    const double deviation =
        inits_[i] == Init::kFanIn ? 1 / std::sqrt(static_cast<double>(parameter.shape.front())) : init_std_;
    for (int64_t e = 0; e < parameter.numel && inits_[i] != Init::kZeros; ++e) {
      initial_values[parameter.offset + e] =
          inits_[i] == Init::kOnes ? 1.0 : deviation * key.Normal(static_cast<uint64_t>(e));
    }
  }
  values_ = initial.to(options_);
  gradients_ = at::zeros({total}, options_);
  for (const DenseParameter& parameter : parameters_) {
    // A tensor of its own on the shared storage, not an autograd view: a leaf, whatever happens to the flat
    // tensor.
    at::Tensor leaf = at::empty({0}, options_);
    leaf.set_(values_.storage(), parameter.offset, parameter.shape,
              at::empty(parameter.shape, at::kMeta).strides());
    leaf.set_requires_grad(true);
    leaf.mutable_grad() = gradients_.narrow(0, parameter.offset, parameter.numel).view(parameter.shape);
    leaves_.push_back(std::move(leaf));
  }
}

void DenseParameters::Freeze(ParameterGroup group) {
  PPR_BUG_IF_NOT(values_.defined(), "Freeze() was called before Allocate()");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].group != group) continue;
    parameters_[i].trainable = false;
    leaves_[i].set_requires_grad(false);
    leaves_[i].mutable_grad().zero_();
  }
}

void DenseParameters::ZeroGradients() { gradients_.zero_(); }

}  // namespace ppr::model
