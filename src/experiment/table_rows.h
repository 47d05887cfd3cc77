// The rows of a table on one dataset: which model each is, how it comes about, and what it is compared with.
#pragma once

#include <string>
#include <vector>

#include "experiment/stage_flags.h"
#include "experiment/tables.h"

namespace ppr::experiment {

enum class Origin {
  kBaseline,  // nothing is trained
  kScratch,   // trained on warm and cold users together; its learning rate is searched
  kBase,      // the shared pre-trained model as it is
  kTuned,     // tuned from the shared pre-trained model; its learning rates are searched
};

struct Recipe {
  Origin origin = Origin::kTuned;
  // Of the stages it has. They make the row what its head says, and so win over flags that are given.
  StageFlags pretrain, tune, evaluate;
  bool only_new_parts = false;  // pre-trained parameters are frozen, so that their rate says nothing
  bool reads_source = false;    // reads the source domain while it trains on the target
};

struct TableRow {
  std::string table, dataset;
  TableKind kind = TableKind::kRanking;
  std::string task;            // title
  std::string model, setting;  // titles; setting may be empty
  Recipe recipe;
  bool is_ppr = false;  // one of the paper's own models, or a control of them
  // Rows of the same table and dataset that this one is tested against; the first is marked in the table.
  // None for a PPR model where fine-tuning is left out: the best other model takes its place.
  std::vector<size_t> references;
};

struct RowSettings {
  std::vector<std::string> models;          // none: those of each table; "TABLE:model" is of that table alone
  std::vector<std::string> bases;           // of table 6
  std::vector<std::string> shots;           // k of figure 4
  std::vector<std::string> prompt_lengths;  // n
  std::vector<std::string> predict_fields;  // of table 8: "field", or "DATASET:field"
};

// The model of a name in RowSettings::models, without its table.
std::string ModelAlone(const std::string& name);
// The models of `table` that are asked for, in the table's order.
std::vector<std::string> ModelsOf(const TableSpec& table, const RowSettings& settings);
// Fields to predict on a dataset.
std::vector<std::string> FieldsOf(const std::string& dataset, const RowSettings& settings);
// References are places in the returned list.
std::vector<TableRow> RowsOf(const TableSpec& table, const std::string& dataset, const RowSettings& settings);

}  // namespace ppr::experiment
