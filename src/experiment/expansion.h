// From tables, datasets, seeds and learning rates to stages. Pure: nothing is run or read here.
//
// In two rounds: all training first; once each row's learning rate is chosen by its validation values, the
// evaluations of the chosen models.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiment/experiment_config.h"

namespace ppr::experiment {

// A row's model at one point of its search.
struct Candidate {
  std::string rate;             // text of the learning rate; "" where none is searched
  std::vector<int64_t> models;  // by seed: the stage that makes it; -1 when nothing is trained
};

struct ExpandedRow {
  TableRow row;
  size_t dataset = 0;                 // place among the datasets
  std::vector<Candidate> candidates;  // one or more
  std::vector<int64_t> evaluations;   // by seed; empty until a candidate is chosen
};

struct Expansion {
  StagePlan plan;
  std::vector<ExpandedRow> rows;  // by table, then dataset
  // By dataset and seed: the stage that prepares the (target) dataset; -1 for a file that is there. Seeds
  // that no table needs are left out.
  std::vector<std::vector<int64_t>> datasets;
};

// The first round.
Expansion ExpandTraining(const ExperimentConfig& config, const std::vector<DatasetInput>& datasets);
// The second, for one row. Rows that only count parameters have no evaluation.
void ExpandEvaluation(const ExperimentConfig& config, const std::vector<DatasetInput>& datasets,
                      size_t candidate, size_t row, Expansion& expansion);

}  // namespace ppr::experiment
