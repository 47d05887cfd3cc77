// The tables and figures of the paper as data: their names, what they claim, and the models in them.
#pragma once

#include <string>
#include <vector>

namespace ppr::experiment {

enum class TableKind {
  kParameters,  // counts of trained parameters
  kDatasets,    // counts of users, items and clicks
  kRanking,     // AUC, HIT and NDCG
  kProfile,     // accuracy, precision, recall and F1 of a predicted profile field
};

struct TableSpec {
  std::string name;   // "table3_few_shot": for --tables, and in results.csv
  std::string title;  // "Table 3: few-shot recommendation"
  std::string claim;  // what the paper says of it
  TableKind kind = TableKind::kRanking;
  std::string task;  // of tuning and evaluation
  bool crosses_domains = false;
  bool has_figures = false;
  // A table of its own for each setting: models of different settings do not compete.
  bool splits_by_setting = false;
  std::vector<std::string> models;           // by their names for --models
  std::vector<std::string> optional_models;  // controls: only when asked for
};

// In the order of a report.
const std::vector<TableSpec>& Tables();
// Null for an unknown name.
const TableSpec* FindTable(const std::string& name);
std::vector<std::string> TableNames();
// Of every table, each once.
std::vector<std::string> ModelNames();

// "PPR(full)" for "ppr_full"; the name itself where there is no other title.
std::string ModelTitle(const std::string& model);
// "few-shot" for "few_shot".
std::string TaskTitle(const std::string& task);
// "AliEC → AliAD" for "AliEC:AliAD".
std::string DatasetTitle(const std::string& dataset);

}  // namespace ppr::experiment
