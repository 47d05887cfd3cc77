#include "model/profile_classifier.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace ppr::model {

ProfileClassifier::ProfileClassifier(int64_t width, int64_t classes, DenseParameters& parameters)
    : classes_(classes),
      weight_(parameters.Add("classifier.weight", {width, classes}, ParameterGroup::kNew,
                             DenseParameters::Init::kNormal)),
      bias_(
          parameters.Add("classifier.bias", {classes}, ParameterGroup::kNew, DenseParameters::Init::kZeros)),
      parameters_(parameters) {
  PPR_BUG_IF_NOT(classes >= 2, "a classifier of " + std::to_string(classes) + " classes");
}

at::Tensor ProfileClassifier::LogProbabilities(const at::Tensor& users) const {
  return at::log_softmax(at::addmm(parameters_[bias_], users, parameters_[weight_]), 1);
}

at::Tensor ProfileClassifier::LossSum(const at::Tensor& users, const at::Tensor& labels) const {
  return at::nll_loss(LogProbabilities(users), labels, {}, at::Reduction::Sum);
}

}  // namespace ppr::model
