#include "experiment/table_rows.h"

#include <algorithm>
#include <optional>

namespace ppr::experiment {
namespace {

const std::string kFineTune = "fine_tune";

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsPpr(const std::string& model) {
  return model == "ppr_light" || model == "ppr_full" || model == "shared_prompt";
}

Recipe Base(const std::string& base) {
  return {.origin = Origin::kBase,
          .pretrain = {{"model", base}, {"train_users", "warm"}},
          .tune = {},
          .evaluate = {}};
}

Recipe Scratch(const std::string& model, const std::string& task) {
  return {.origin = Origin::kScratch,
          .pretrain = {{"model", model}, {"train_users", "all"}, {"profile_model", "true"}, {"task", task}},
          .tune = {},
          .evaluate = {},
          .reads_source = model == "minet"};
}

Recipe Tuned(const std::string& base, const std::string& method, const std::string& task) {
  Recipe recipe = Base(base);
  recipe.origin = Origin::kTuned;
  recipe.tune = {{"method", method}, {"task", task}};
  recipe.only_new_parts = method == "ppr_light";
  return recipe;
}

// One prompt for everybody has no profile to mask: its views differ in clicks alone.
void SharePrompt(Recipe& recipe) {
  recipe.tune["prompt"] = "shared";
  recipe.tune["views"] = "behaviour";
}

Recipe RecipeOf(const std::string& model, const std::string& base, const std::string& task) {
  Recipe recipe;
  if (model == "popularity" || model == "position_popularity") {
    recipe = {.origin = Origin::kBaseline, .pretrain = {}, .tune = {}, .evaluate = {{"baseline", model}}};
  } else if (model == "pretrain") {
    recipe = Base(base);
  } else if (model == kFineTune || model == "ppr_light" || model == "ppr_full") {
    recipe = Tuned(base, model, task);
  } else if (model == "shared_prompt") {
    recipe = Tuned(base, "ppr_full", task);
    SharePrompt(recipe);
  } else {
    recipe = Scratch(model, task);
  }
  if (task != "profile") recipe.evaluate["task"] = task;
  return recipe;
}

// Collects the rows of one table on one dataset.
class RowList {
 public:
  RowList(const TableSpec& table, const std::string& dataset, std::vector<std::string> models)
      : table_(table), dataset_(dataset), models_(std::move(models)) {}

  const std::vector<std::string>& models() const { return models_; }
  const std::string& task() const { return table_.task; }

  size_t Add(const std::string& model, const std::string& setting, Recipe recipe) {
    std::string title = ModelTitle(model);
    if (table_.crosses_domains && model == "sasrec") title = "SASRec(target)";
    rows_.push_back({.table = table_.name,
                     .dataset = dataset_,
                     .kind = table_.kind,
                     .task = table_.crosses_domains ? "cross-domain" : TaskTitle(table_.task),
                     .model = title,
                     .setting = setting,
                     .recipe = std::move(recipe),
                     .is_ppr = IsPpr(model),
                     .references = {}});
    names_.push_back(model);
    return rows_.size() - 1;
  }

  size_t Add(const std::string& model) { return Add(model, "", RecipeOf(model, "sasrec", task())); }

  void Compare(size_t row, size_t with) { rows_[row].references.push_back(with); }

  // PPR rows from `begin` on are tested against fine-tuning, the row among [begin, end) or an earlier one.
  void CompareWithFineTuning(size_t begin) {
    std::optional<size_t> reference;
    for (size_t row = 0; row < rows_.size(); ++row) {
      if (names_[row] == kFineTune && (row >= begin || !reference)) reference = row;
    }
    if (!reference) return;
    for (size_t row = begin; row < rows_.size(); ++row) {
      if (IsPpr(names_[row])) rows_[row].references.insert(rows_[row].references.begin(), *reference);
    }
  }

  size_t size() const { return rows_.size(); }
  std::vector<TableRow> Take() { return std::move(rows_); }

 private:
  const TableSpec& table_;
  const std::string& dataset_;
  std::vector<std::string> models_;
  std::vector<std::string> names_;  // of the rows' models
  std::vector<TableRow> rows_;
};

void AddAblation(RowList& rows) {
  const auto variant = [&](const std::string& model, const StageFlags& flags) {
    Recipe recipe = RecipeOf(model, "sasrec", rows.task());
    recipe.tune = Merged(recipe.tune, flags);
    return recipe;
  };
  for (const std::string& model : rows.models()) {
    const size_t whole = rows.Add(model);
    if (!IsPpr(model)) continue;
    rows.Compare(whole,
                 rows.Add(model, "no contrastive loss", variant(model, {{"contrastive_weight", "0"}})));
    rows.Compare(whole, rows.Add(model, "prompt views only", variant(model, {{"views", "prompt"}})));
    rows.Compare(whole, rows.Add(model, "behaviour views only", variant(model, {{"views", "behaviour"}})));
    Recipe shared = variant(model, {});
    SharePrompt(shared);
    rows.Compare(whole, rows.Add(model, "one shared prompt", std::move(shared)));
  }
  rows.CompareWithFineTuning(0);
}

void AddUniversality(RowList& rows, const std::vector<std::string>& bases) {
  for (const std::string& base : bases) {
    const size_t begin = rows.size();
    for (const std::string& model : rows.models()) {
      rows.Add(model, "on " + ModelTitle(base), RecipeOf(model, base, rows.task()));
    }
    rows.CompareWithFineTuning(begin);
  }
}

void AddSparsity(RowList& rows, const std::vector<std::string>& shots) {
  for (const std::string& k : shots) {
    const size_t begin = rows.size();
    for (const std::string& model : rows.models()) {
      Recipe recipe = RecipeOf(model, "sasrec", rows.task());
      recipe.tune["shots"] = k;
      recipe.evaluate["shots"] = k;
      rows.Add(model, "k = " + k, std::move(recipe));
    }
    rows.CompareWithFineTuning(begin);
  }
}

void AddPromptLengths(RowList& rows, const std::vector<std::string>& lengths) {
  for (const std::string& model : rows.models()) {
    if (!IsPpr(model)) {
      rows.Add(model);
      continue;
    }
    for (const std::string& n : lengths) {
      Recipe recipe = RecipeOf(model, "sasrec", rows.task());
      if (n != "1") recipe.tune["prompt_tokens"] = n;  // 1 is the default: the stage of the other tables
      rows.Add(model, "n = " + n, std::move(recipe));
    }
  }
  rows.CompareWithFineTuning(0);
}

void AddProfileFields(RowList& rows, const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    const size_t begin = rows.size();
    for (const std::string& model : rows.models()) {
      Recipe recipe = RecipeOf(model, "sasrec", rows.task());
      recipe.tune["predict_field"] = field;
      rows.Add(model, field, std::move(recipe));
    }
    rows.CompareWithFineTuning(begin);
  }
}

}  // namespace

std::vector<std::string> ModelsOf(const TableSpec& table, const RowSettings& settings) {
  if (settings.models.empty()) return table.models;
  std::vector<std::string> models;
  for (const auto* const list : {&table.optional_models, &table.models}) {
    for (const std::string& model : *list) {
      const bool here = Contains(settings.models, table.name + ":" + model);
      if (here || Contains(settings.models, model)) models.push_back(model);
    }
  }
  return models;
}

std::string ModelAlone(const std::string& name) {
  const size_t colon = name.find(':');
  const bool of_table = colon != std::string::npos && FindTable(name.substr(0, colon)) != nullptr;
  return of_table ? name.substr(colon + 1) : name;
}

std::vector<std::string> FieldsOf(const std::string& dataset, const RowSettings& settings) {
  std::vector<std::string> fields;
  for (const std::string& field : settings.predict_fields) {
    const size_t colon = field.find(':');
    if (colon == std::string::npos) {
      fields.push_back(field);
    } else if (field.substr(0, colon) == dataset) {
      fields.push_back(field.substr(colon + 1));
    }
  }
  return fields;
}

std::vector<TableRow> RowsOf(const TableSpec& table, const std::string& dataset,
                             const RowSettings& settings) {
  RowList rows(table, dataset, ModelsOf(table, settings));
  if (table.name == "figure3_ablation") {
    AddAblation(rows);
  } else if (table.name == "table6_universality") {
    AddUniversality(rows, settings.bases);
  } else if (table.name == "figure4_sparsity") {
    AddSparsity(rows, settings.shots);
  } else if (table.name == "prompt_length") {
    AddPromptLengths(rows, settings.prompt_lengths);
  } else if (table.kind == TableKind::kProfile) {
    AddProfileFields(rows, FieldsOf(dataset, settings));
  } else if (table.kind != TableKind::kDatasets) {
    for (const std::string& model : rows.models()) rows.Add(model);
    rows.CompareWithFineTuning(0);
  }
  return rows.Take();
}

}  // namespace ppr::experiment
