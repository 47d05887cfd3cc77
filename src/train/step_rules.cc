#include "train/step_rules.h"

namespace ppr::train {

const settings::NameTable<ContrastiveViews>& NamesOf(ContrastiveViews) {
  static const settings::NameTable<ContrastiveViews> names = {{"both", ContrastiveViews::kBoth},
                                                              {"prompt", ContrastiveViews::kPrompt},
                                                              {"behaviour", ContrastiveViews::kBehaviour}};
  return names;
}

void DescribeLoss(settings::Settings& settings, ContrastiveConfig& config) {
  settings.Section("contrastive");
  settings.Add(&config.weight, {.flag = "contrastive_weight",
                                .help = "Weight lambda of the contrastive loss (Eq. 7); 0: none",
                                .key = "weight",
                                .limits = settings::NotNegative(1e6)});
  settings.Add(&config.temperature, {.flag = "temperature",
                                     .help = "Temperature tau of the contrastive loss (Eq. 6)",
                                     .limits = settings::Temperature()});
  settings.Add(&config.views,
               {.flag = "views",
                .help = "Augmented views: prompt (masked profile), behaviour (masked clicks) or both "
                        "(the sum of two losses)"});
}

void DescribeViews(settings::Settings& settings, ContrastiveConfig& config) {
  settings.Section("contrastive");
  settings.Add(&config.profile_mask_ratio, {.flag = "profile_mask_ratio",
                                            .help = "Share gamma_1 of profile elements that are masked",
                                            .limits = settings::ShareBelowOne()});
  settings.Add(&config.behaviour_mask_ratio, {.flag = "behaviour_mask_ratio",
                                              .help = "Share gamma_2 of clicks that are masked",
                                              .limits = settings::ShareBelowOne()});
  settings.Add(&config.behaviour,
               {.flag = "behaviour_augmentation",
                .help = "A masked click is dropped (delete; never the newest) or its embedding zeroed (zero)",
                .key = "behaviour"});
}

}  // namespace ppr::train
