#include "model/encoder_config.h"

#include <cmath>

#include "base/text_format.h"
#include "model/dropout_bits.h"

namespace ppr::model {
namespace {

void RequirePositive(const char* field, int64_t value, std::vector<std::string>* problems) {
  if (value < 1)
    problems->push_back(Format("%s: found %lld, expected at least 1", field, static_cast<long long>(value)));
}

}  // namespace

std::vector<std::string> EncoderConfig::Problems() const {
  std::vector<std::string> problems;
  RequirePositive("blocks", blocks, &problems);
  RequirePositive("heads", heads, &problems);
  RequirePositive("width", width, &problems);
  RequirePositive("ffn_width", ffn_width, &problems);
  RequirePositive("max_history", max_history, &problems);
  if (heads >= 1 && width >= 1 && width % heads != 0) {
    problems.push_back(Format("heads: found %lld, expected a divisor of width %lld",
                              static_cast<long long>(heads), static_cast<long long>(width)));
  }
  if (!(dropout >= 0 && dropout < 1 && DropoutThreshold(dropout) < 65536)) {
    problems.push_back(Format("dropout: found %g, expected a rate in [0, 1)", dropout));
  }
  if (!(init_std >= 0 && std::isfinite(init_std))) {
    problems.push_back(Format("init_std: found %g, expected a finite number >= 0", init_std));
  }
  if (residual_from_norm && norm != Norm::kPre) {
    problems.emplace_back("residual_from_norm: found true with norm post, expected norm pre");
  }
  if (backbone == Backbone::kGru && attention != AttentionSpan::kCausal) {
    problems.emplace_back(
        "attention: found bidirectional with backbone gru, expected causal: a GRU reads forward only");
  }
  return problems;
}

}  // namespace ppr::model
