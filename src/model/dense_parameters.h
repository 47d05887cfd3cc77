// The parameters that every rank holds whole (encoder, prompt generator, profile model), in one flat buffer.
//
// The gradient, and what optimisers keep, have the same layout: the flat gradient is what ranks all-reduce,
// the flat buffers are what an optimiser walks. Checkpoints write a tensor a parameter, by its name; the
// order of declaration matters to those of format 1 alone (checkpoint/format_1.h). Each parameter is a leaf
// tensor that views the flat buffer, with its .grad set to a view of the flat gradient, so that autograd
// accumulates in place. Owned by the model; one thread.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ppr::model {

// Which learning rate a parameter takes; also what "light" freezes.
enum class ParameterGroup { kPretrained, kNew };

struct DenseParameter {
  std::string name;  // "encoder.block0.ffn1.weight"
  std::vector<int64_t> shape;
  ParameterGroup group = ParameterGroup::kPretrained;
  int64_t offset = 0;  // into the flat buffers, elements
  int64_t numel = 0;
  bool trainable = true;
};

// The part of a flat buffer that is a parameter's, in its shape: a view.
at::Tensor PartOf(const at::Tensor& flat, const DenseParameter& parameter);

class DenseParameters {
 public:
  // kFanIn: normal with deviation 1 / sqrt(first extent), which keeps the size of activations.
  enum class Init { kZeros, kOnes, kNormal, kFanIn };

  // All parameters of `dtype` on `device`; initial values depend on (seed, name, element) alone. init_std is
  // kNormal's.
  DenseParameters(uint64_t seed, double init_std, at::TensorOptions options);

  // Declares a parameter and returns its index. Only before Allocate(). Names are unique (BugError).
  int Add(std::string name, std::vector<int64_t> shape, ParameterGroup group, Init init);
  // Creates the flat buffers and fills in initial values. Once.
  void Allocate();

  const std::vector<DenseParameter>& parameters() const { return parameters_; }
  // The leaf tensor of parameter `index`; valid after Allocate().
  const at::Tensor& operator[](int index) const { return leaves_[static_cast<size_t>(index)]; }
  int64_t numel() const { return values_.numel(); }
  at::Tensor values() const { return values_; }        // [P] all parameters, laid out as parameters() says
  at::Tensor gradients() const { return gradients_; }  // [P]; zeros where frozen
  // Stops gradients of a group: its leaves no longer require grad and their gradient stays zero.
  void Freeze(ParameterGroup group);
  void ZeroGradients();

 private:
  uint64_t seed_;
  double init_std_;
  at::TensorOptions options_;
  std::vector<DenseParameter> parameters_;
  std::vector<Init> inits_;
  std::vector<at::Tensor> leaves_;
  at::Tensor values_, gradients_;
};

}  // namespace ppr::model
