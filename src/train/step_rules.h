// What a training step trains and how, and what it reports.
#pragma once

#include <cstdint>
#include <optional>

#include "optim/optimiser_config.h"
#include "recommender/sequence_augmentation.h"
#include "train/training_config.h"

namespace ppr::train {

// Which augmented views the contrastive loss compares users with.
enum class ContrastiveViews {
  kBoth,  // the sum of the two losses
  kPrompt,
  kBehaviour,
};

const settings::NameTable<ContrastiveViews>& NamesOf(ContrastiveViews);

struct ContrastiveConfig {
  double weight = 0.1;       // lambda of Eq. 7; 0 = no contrastive loss
  double temperature = 1.0;  // tau of Eq. 6
  ContrastiveViews views = ContrastiveViews::kBoth;
  double profile_mask_ratio = 0.2;    // gamma_1, 3.5.1
  double behaviour_mask_ratio = 0.2;  // gamma_2, 3.5.2
  recommender::BehaviourAugmentation behaviour = recommender::BehaviourAugmentation::kDelete;
};
// Under the topic of the moment, in section "contrastive" of stored configs: what says how strongly, and how
// views are made.
void DescribeLoss(settings::Settings& settings, ContrastiveConfig& config);
void DescribeViews(settings::Settings& settings, ContrastiveConfig& config);

// The same on all ranks.
struct StepRules {
  model::NextItemLoss loss = model::NextItemLoss::kBpr;
  int64_t negatives = 1;
  recommender::NegativeSharing negative_sharing = recommender::NegativeSharing::kOwn;
  optim::LearningRate pretrained_rate, new_rate;
  std::optional<optim::LearningRate> row_rate;  // of the item table; absent: that of pre-trained parameters
  optim::OptimiserConfig optimiser;
  bool train_pretrained = true;  // false: PPR(light); rows then have no gradient, moment or traffic back
  ContrastiveConfig contrastive{.weight = 0};
  recommender::SequenceAugmentation augmentation{.weight = 0};  // CL4SRec; never together with `contrastive`
  recommender::MaskedItems masked;  // of sequences read whole, unless a profile value is predicted
  uint64_t seed = 1;
};

// The loss with its numbers, over a catalogue of `items`.
inline model::NextItemLossSpec LossOf(const StepRules& rules, int64_t items) {
  return {rules.loss, {.negatives = rules.negatives, .items = items}};
}

// What pretrain, and the benchmark that measures it, make of their settings.
inline StepRules PretrainingRules(const TrainingConfig& training) {
  return {.loss = training.loss,
          .negatives = training.negatives,
          .negative_sharing = training.negative_sharing,
          .pretrained_rate = training.learning_rate,
          .new_rate = training.learning_rate,
          .optimiser = training.optimiser,
          .seed = training.seed};
}

struct StepResult {
  double loss = 0;              // L_p of Eq. 5 (or L_o of Eq. 2): mean over the global batch's targets
  double contrastive = 0;       // L_CL of Eq. 6: mean over the global batch's users, summed over views
  int64_t targets = 0;          // of the global batch
  bool stop_requested = false;  // by any rank
};

}  // namespace ppr::train
