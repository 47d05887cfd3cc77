// Flags that pretrain and tune share: what to train on, how long, with which optimiser.
#pragma once

#include "cli/flag_set.h"
#include "train/training_config.h"

namespace ppr::cli {

// `learning_rate`: the default of the command.
std::vector<FlagTopic> TrainingTopics(const std::string& learning_rate);
train::TrainingConfig TrainingConfigFromFlags(FlagSet& flags);

}  // namespace ppr::cli
