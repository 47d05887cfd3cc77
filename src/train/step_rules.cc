#include "train/step_rules.h"

#include "base/findings.h"

namespace ppr::train {

std::vector<std::string> ContrastiveConfig::Problems() const {
  Findings findings;
  findings.Expect(std::isfinite(weight) && weight >= 0, "contrastive_weight", "a number >= 0",
                  Format("%g", weight));
  findings.Positive("temperature", temperature);
  findings.Share("profile_mask_ratio", profile_mask_ratio);
  findings.Share("behaviour_mask_ratio", behaviour_mask_ratio);
  return findings.Take();
}

}  // namespace ppr::train
