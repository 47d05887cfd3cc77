#include "experiment/learning_rates.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "report/moments.h"
#include "settings/text_lists.h"

namespace ppr::experiment {
namespace {

bool IsRate(const std::string& text) {
  char* end = nullptr;
  const double rate = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0 && std::isfinite(rate) && rate > 0;
}

}  // namespace

std::string LearningRate::ToText() const { return pretrained == fresh ? fresh : pretrained + "/" + fresh; }

std::vector<LearningRate> ParseLearningRates(const std::string& text, const std::string& flag,
                                             std::vector<std::string>& problems) {
  std::vector<LearningRate> rates;
  for (const std::string& part : settings::SplitList(text)) {
    const size_t slash = part.find('/');
    LearningRate rate{part.substr(0, slash), slash == std::string::npos ? part : part.substr(slash + 1)};
    if (!IsRate(rate.pretrained) || !IsRate(rate.fresh)) {
      problems.push_back(flag + ": expected rates above 0 as 1e-4 or, of pre-trained and new parameters, " +
                         "1e-4/1e-3; found \"" + part + "\"");
    } else if (std::find(rates.begin(), rates.end(), rate) == rates.end()) {
      rates.push_back(std::move(rate));
    }
  }
  return rates;
}

std::vector<LearningRate> FreshOnly(const std::vector<LearningRate>& rates) {
  std::vector<LearningRate> fresh;
  for (const LearningRate& rate : rates) {
    const LearningRate only{rate.fresh, rate.fresh};
    if (std::find(fresh.begin(), fresh.end(), only) == fresh.end()) fresh.push_back(only);
  }
  return fresh;
}

int BestRate(const std::vector<std::vector<double>>& values) {
  int best = -1;
  double best_mean = 0;
  for (size_t rate = 0; rate < values.size(); ++rate) {
    if (values[rate].empty()) continue;
    const double mean = report::MomentsOf(values[rate]).mean;
    if (best >= 0 && mean <= best_mean) continue;
    best = static_cast<int>(rate);
    best_mean = mean;
  }
  return best;
}

}  // namespace ppr::experiment
