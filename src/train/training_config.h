// Settings that every training stage has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/compute_path.h"
#include "model/losses/registry.h"
#include "optim/optimiser_config.h"
#include "recommender/packed_batch.h"
#include "settings/settings.h"
#include "train/progress.h"

namespace ppr::train {

// What pretrain and tune share.
struct TrainingConfig {
  std::string dataset;  // dataset.h5
  std::string output;   // run folder
  bool resume = false;  // go on from output/checkpoints/LATEST (a fresh start when there is none)
  uint64_t seed = 1;
  int64_t batch_size = 256;  // sequences of one step over all ranks
  int64_t max_epochs = 200;
  int64_t max_steps = 0;  // 0 = no limit
  model::NextItemLoss loss = model::NextItemLoss::kBpr;
  int64_t negatives = 1;  // K per target, uniform, never among the user's training clicks
  recommender::NegativeSharing negative_sharing = recommender::NegativeSharing::kOwn;
  optim::LearningRate learning_rate;  // of pre-trained parameters (all parameters in pretrain)
  optim::OptimiserConfig optimiser;
  std::string metric = "ndcg@10";      // early stop on this metric of the validation cases
  int64_t patience_steps = 0;          // stop after so many steps without a better value; 0 = never
  int64_t evaluate_every_steps = 0;    // 0 = at the end of every epoch
  int64_t checkpoint_every_steps = 0;  // besides the checkpoint at every evaluation; 0 = none
  int64_t keep_checkpoints = 2;
  ProgressMode progress = ProgressMode::kAuto;
  model::ComputePath compute = model::ComputePath::kAuto;

  // Outside their limits, or in each other's way.
  std::vector<std::string> Problems() const;
};

// In section "training" of stored configs. In three parts, between which commands have topics of their own;
// the last one is about how a run goes on and is shown, not about what it computes.
void DescribeFiles(settings::Settings& settings, TrainingConfig& config);
void Describe(settings::Settings& settings, TrainingConfig& config);
void DescribeProgress(settings::Settings& settings, TrainingConfig& config);

}  // namespace ppr::train
