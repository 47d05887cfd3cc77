// What `ppr experiment` is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "experiment/dataset_inputs.h"
#include "experiment/learning_rates.h"
#include "experiment/stage_flags.h"
#include "experiment/table_rows.h"

namespace ppr::experiment {

struct ExperimentConfig {
  std::vector<std::string> tables;
  std::vector<DatasetSpec> datasets;
  RowSettings rows;
  std::vector<uint64_t> seeds;
  std::vector<LearningRate> learning_rates;          // of tuning
  std::vector<LearningRate> scratch_learning_rates;  // of models trained from scratch
  bool split_by_seed = false;                        // each seed prepares its own split

  StageFlags pretrain, tune, evaluate;  // for all stages of a kind; see given_flags.h

  std::vector<std::string> launcher;  // words before the program; none: the program itself
  std::string program;
  std::string printed;  // CSV of the paper's numbers; "" = none
  std::string output;   // folder
  bool dry_run = false;
  bool keep_going = false;
  int64_t parallel_stages = 1;

  // The flags that a sub-command takes, none of them given. Needed for datasets that are prepared first.
  std::function<settings::FlagSet(const std::string& command)> flags_of;
  // What a sub-command says before it starts; without it nothing is checked before a stage runs.
  // Of a whole command line, given as its arguments.
  std::function<std::vector<std::string>(const std::string& command, const std::vector<std::string>&)>
      check_stage;
  // Names of the profile fields of a dataset file.
  std::function<std::vector<std::string>(const std::string& path)> fields_of;

  // All of it at once, "flag: what" where a flag is to blame.
  std::vector<std::string> Problems() const;
  // What is left out though it was asked for, a sentence each: for the report, and for a person at the start.
  std::vector<std::string> Notes() const;
};

// Whether a table of this kind is asked for.
bool Shows(const ExperimentConfig& config, TableKind kind);
// The rates of models from scratch: all their parameters are new.
std::vector<LearningRate> ScratchRates(const ExperimentConfig& config);

// Whole numbers from `least` on, each once, as text. Problems name `flag`.
std::vector<std::string> ParseNumbers(const std::string& text, const std::string& flag, int64_t least,
                                      std::vector<std::string>& problems);

}  // namespace ppr::experiment
