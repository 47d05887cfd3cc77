#include "experiment/tables.h"

#include <algorithm>
#include <map>
#include <utility>

namespace ppr::experiment {
namespace {

const std::vector<std::string> kTuned = {"fine_tune", "ppr_light", "ppr_full"};
const std::vector<std::string> kControls = {"popularity", "position_popularity", "shared_prompt"};

std::vector<std::string> With(std::vector<std::string> names, const std::vector<std::string>& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

// What is counted.
std::vector<TableSpec> CountTables() {
  return {
      {.name = "table1_parameters",
       .title = "Table 1: tuned parameters",
       .claim = "The paper: PPR(light) updates less than 1 % of what fine-tuning updates.",
       .kind = TableKind::kParameters,
       .task = "few_shot",
       .models = kTuned},
      {.name = "table2_datasets",
       .title = "Table 2: datasets",
       .claim = "Pre-training instances are clicks of warm users, tuning instances those of cold users.",
       .kind = TableKind::kDatasets},
  };
}

// One task each, all models.
std::vector<TableSpec> TaskTables() {
  return {
      {.name = "table3_few_shot",
       .title = "Table 3: few-shot recommendation",
       .claim = "The paper: PPR is better than every other model on all metrics.",
       .task = "few_shot",
       .models = With({"bert4rec", "sasrec", "melu", "cl4srec", "pretrain"}, kTuned),
       .optional_models = kControls},
      {.name = "table4_zero_shot",
       .title = "Table 4: zero-shot recommendation",
       .claim = "The paper: PPR is better than fine-tuning on most metrics when nobody has clicked yet.",
       .task = "zero_shot",
       .models = kTuned,
       .optional_models = With({"bert4rec", "sasrec", "melu", "cl4srec", "pretrain"}, kControls)},
      {.name = "table5_joint",
       .title = "Table 5: few-shot and zero-shot with one set of parameters",
       .claim = "The paper: the lead of PPR over fine-tuning grows when one model serves both.",
       .task = "joint",
       .models = kTuned,
       .optional_models = With({"bert4rec", "sasrec", "melu", "cl4srec", "pretrain"}, kControls)},
  };
}

// Few-shot, with the models or their input varied.
std::vector<TableSpec> VariationTables() {
  return {
      {.name = "figure3_ablation",
       .title = "Figure 3: ablation",
       .claim = "The paper: the contrastive loss helps on almost all metrics, and PPR is better than "
                "fine-tuning on most without it.",
       .task = "few_shot",
       .has_figures = true,
       .models = kTuned},
      {.name = "table6_universality",
       .title = "Table 6: PPR on other pre-trained models",
       .claim = "The paper: PPR is better than fine-tuning on CL4SRec too.",
       .task = "few_shot",
       .splits_by_setting = true,
       .models = With({"pretrain"}, kTuned)},
      {.name = "figure4_sparsity",
       .title = "Figure 4: users with k clicks at most",
       .claim = "The paper: the fewer clicks, the larger the lead of PPR over fine-tuning.",
       .task = "few_shot",
       .has_figures = true,
       .splits_by_setting = true,
       .models = kTuned},
      {.name = "prompt_length",
       .title = "Length of the prompt (section 4.3)",
       .claim = "The paper: prompts longer than one token bring little.",
       .task = "few_shot",
       .has_figures = true,
       .models = kTuned},
  };
}

// Another domain, and another kind of target.
std::vector<TableSpec> TransferTables() {
  return {
      {.name = "table7_cross_domain",
       .title = "Table 7: cross-domain recommendation",
       .claim =
           "The paper: with user vectors of the source domain as prompts, PPR is better than all others. A "
           "user's first click in the target domain is read, not predicted.",
       .task = "few_shot",
       .crosses_domains = true,
       .models = {"sasrec", "minet", "fine_tune", "ppr_full"}},
      {.name = "table8_profile",
       .title = "Table 8: user profile prediction",
       .claim = "The paper: PPR(light) is better than fine-tuning in accuracy, precision and F1.",
       .kind = TableKind::kProfile,
       .task = "profile",
       .splits_by_setting = true,
       .models = kTuned},
  };
}

std::vector<TableSpec> AllTables() {
  std::vector<TableSpec> all;
  for (auto* const tables : {&CountTables, &TaskTables, &VariationTables, &TransferTables}) {
    for (TableSpec& table : tables()) all.push_back(std::move(table));
  }
  return all;
}

}  // namespace

const std::vector<TableSpec>& Tables() {
  static const std::vector<TableSpec> tables = AllTables();
  return tables;
}

const TableSpec* FindTable(const std::string& name) {
  for (const TableSpec& table : Tables()) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

std::vector<std::string> TableNames() {
  std::vector<std::string> names;
  for (const TableSpec& table : Tables()) names.push_back(table.name);
  return names;
}

std::vector<std::string> ModelNames() {
  std::vector<std::string> names;
  for (const TableSpec& table : Tables()) {
    for (const std::string& model : With(table.models, table.optional_models)) {
      if (std::find(names.begin(), names.end(), model) == names.end()) names.push_back(model);
    }
  }
  return names;
}

std::string ModelTitle(const std::string& model) {
  static const std::map<std::string, std::string> titles = {{"bert4rec", "BERT4Rec"},
                                                            {"sasrec", "SASRec"},
                                                            {"melu", "MeLU"},
                                                            {"cl4srec", "CL4SRec"},
                                                            {"gru4rec", "GRU4Rec"},
                                                            {"minet", "MiNet"},
                                                            {"pretrain", "pre-train"},
                                                            {"fine_tune", "fine-tuning"},
                                                            {"ppr_light", "PPR(light)"},
                                                            {"ppr_full", "PPR(full)"},
                                                            {"shared_prompt", "one shared prompt"},
                                                            {"position_popularity", "position popularity"}};
  const auto found = titles.find(model);
  return found == titles.end() ? model : found->second;
}

std::string TaskTitle(const std::string& task) {
  std::string title = task;
  std::replace(title.begin(), title.end(), '_', '-');
  return title;
}

std::string DatasetTitle(const std::string& dataset) {
  const size_t colon = dataset.find(':');
  return colon == std::string::npos ? dataset : dataset.substr(0, colon) + " → " + dataset.substr(colon + 1);
}

}  // namespace ppr::experiment
