#include "experiment/experiment_report.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/text_format.h"
#include "report/results_figures.h"
#include "report/results_order.h"
#include "report/results_table.h"

namespace ppr::experiment {
namespace {

using report::ResultSummary;

std::vector<ResultSummary> Of(const std::vector<ResultSummary>& all, const std::string& table,
                              const std::string& dataset) {
  std::vector<ResultSummary> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found), [&](const ResultSummary& summary) {
    return summary.key.table == table && (dataset.empty() || summary.key.dataset == dataset);
  });
  return found;
}

std::vector<ResultSummary> WithMetric(const std::vector<ResultSummary>& all, const std::string& metric) {
  std::vector<ResultSummary> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](const ResultSummary& summary) { return summary.key.metric == metric; });
  return found;
}

std::string DatasetOf(const ResultSummary& summary) { return summary.key.dataset; }

template <typename Item>
std::string Listed(const std::vector<Item>& items, const std::function<std::string(const Item&)>& text) {
  std::string list;
  for (const Item& item : items) list += (list.empty() ? "" : ", ") + text(item);
  return list;
}

// Counts and percentages: a row per `head`, a column per metric, the paper's number beneath each that has
// one.
report::Table CountsTable(const std::vector<ResultSummary>& summaries, const std::string& caption,
                          const std::string& corner, std::string (*head_of)(const ResultSummary&)) {
  report::Table table{.caption = caption, .corner = corner, .columns = {}, .rows = {}, .note = ""};
  for (const std::string& head : report::InOrder(summaries, head_of)) table.rows.push_back({head, {}});
  for (const std::string& metric : report::InOrder(summaries, report::MetricOf)) {
    const std::vector<ResultSummary> of_metric = WithMetric(summaries, metric);
    const bool is_share = metric.find('%') != std::string::npos;
    const auto printed = [&](double value) {
      return is_share ? Format("%.2f", value) : WithThousands(static_cast<long long>(value));
    };
    table.columns.push_back(metric);
    for (report::TableRow& row : table.rows) {
      report::TableCell cell{.text = "–"};
      const auto found = std::find_if(of_metric.begin(), of_metric.end(), [&](const ResultSummary& summary) {
        return head_of(summary) == row.head;
      });
      if (found != of_metric.end()) {
        cell.text = printed(found->mean);
        if (found->paper_value) cell.beneath.push_back({"paper " + printed(*found->paper_value)});
      }
      row.cells.push_back(std::move(cell));
    }
  }
  return table;
}

// "of 4 tests of PPR against fine-tuning, 1 better, 0 worse, 3 without a difference shown".
std::string VerdictAgainst(const std::string& reference, const TableTests& tests) {
  int64_t all = 0, better = 0, worse = 0;
  for (const report::PairedTest& test : tests.marks) {
    if (test.against != reference) continue;
    ++all;
    if (test.adjusted_p < 0.05) ++(test.difference > 0 ? better : worse);
  }
  return Format("of %lld tests of PPR against ", static_cast<long long>(all)) + reference +
         Format(", %lld better, %lld worse, %lld without a difference shown", static_cast<long long>(better),
                static_cast<long long>(worse), static_cast<long long>(all - better - worse));
}

// The settings in which this is the other model: " (on GRU4Rec, on CL4SRec)".
std::string SettingsOf(const std::string& reference, const TableTests& tests) {
  std::vector<std::string> settings;
  for (const report::PairedTest& test : tests.marks) {
    const bool known = std::find(settings.begin(), settings.end(), test.setting) != settings.end();
    if (test.against == reference && !test.setting.empty() && !known) settings.push_back(test.setting);
  }
  if (settings.empty()) return "";
  return " (" + Listed<std::string>(settings, [](const std::string& setting) { return setting; }) + ")";
}

// A clause for each model that PPR is tested against, with the settings where they differ.
std::string Verdict(const TableTests& tests) {
  std::vector<std::string> references;
  for (const report::PairedTest& test : tests.marks) {
    if (std::find(references.begin(), references.end(), test.against) == references.end())
      references.push_back(test.against);
  }
  std::string text = DatasetTitle(tests.dataset) + ": ";
  for (const std::string& reference : references) {
    if (reference != references.front()) text += "; ";
    text += VerdictAgainst(reference, tests);
    if (references.size() > 1) text += SettingsOf(reference, tests);
  }
  if (tests.picked_by.empty()) return text + ".";
  return text + ". Fine-tuning is left out: the other model is the one with the best " + tests.picked_by +
         " on the test users themselves, which favours it.";
}

void AddRates(const ExperimentResults& results, const std::string& name, const std::string& dataset,
              report::ReportSection& section) {
  report::Table table{.caption = DatasetTitle(dataset) + ": learning rates chosen by validation",
                      .corner = "model",
                      .columns = {"rate", "chosen from", "validation, mean over seeds"},
                      .rows = {},
                      .note = "Two rates: of pre-trained and of new parameters."};
  bool is_a_choice = false;
  for (const RateChoice& choice : results.rates) {
    if (choice.table != name || choice.dataset != dataset) continue;
    is_a_choice = is_a_choice || choice.tried > 1;
    std::string chosen_from = std::to_string(choice.choices);
    if (choice.choices != choice.tried) chosen_from += " of " + std::to_string(choice.tried);
    const std::string value = choice.validation ? Format("%.4f", *choice.validation) : "not validated";
    table.rows.push_back({choice.head, {{choice.rate}, {chosen_from}, {value}}});
  }
  if (is_a_choice) section.tables.push_back(std::move(table));
}

// Every setting beside the reference, which has none of its own; PPR without a setting is called `whole`.
std::vector<ResultSummary> RepeatReference(const std::vector<ResultSummary>& summaries,
                                           const std::string& reference, const std::string& whole) {
  std::vector<std::string> settings;
  for (const ResultSummary& summary : summaries) {
    const std::string& setting = summary.key.setting.empty() ? whole : summary.key.setting;
    if (summary.key.model != reference &&
        std::find(settings.begin(), settings.end(), setting) == settings.end())
      settings.push_back(setting);
  }
  std::vector<ResultSummary> repeated;
  for (const std::string& setting : settings) {
    for (ResultSummary summary : summaries) {
      if (summary.key.model == reference) {
        summary.key.setting = setting;
      } else if (summary.key.setting.empty()) {
        summary.key.setting = whole;
      }
      if (summary.key.setting == setting) repeated.push_back(std::move(summary));
    }
  }
  return repeated;
}

// Improvements over fine-tuning: bars from zero of the values themselves would all look the same.
void AddFigures(const TableSpec& table, const std::vector<ResultSummary>& summaries,
                const std::string& dataset, report::ReportSection& section) {
  if (!table.has_figures) return;
  const std::string reference = ModelTitle("fine_tune");
  for (const char* const metric : {"AUC", "HIT@10", "NDCG@10"}) {
    const std::vector<ResultSummary> of_metric = WithMetric(summaries, metric);
    const std::vector<std::string> models = report::InOrder(of_metric, report::ModelOf);
    const std::string caption = DatasetTitle(dataset) + ": " + metric;
    const bool has_reference = std::find(models.begin(), models.end(), reference) != models.end();
    const bool has_own = std::any_of(of_metric.begin(), of_metric.end(), [&](const ResultSummary& summary) {
      return summary.key.model == reference && !summary.key.setting.empty();
    });
    if (has_reference && models.size() > 1) {
      section.figures.push_back(report::ImprovementFigure(
          has_own ? of_metric : RepeatReference(of_metric, reference, "whole"), metric, reference, caption));
    } else if (!of_metric.empty()) {
      section.figures.push_back(report::MeansFigure(of_metric, caption));
    }
  }
}

// The table of all settings, or one for each with the setting in its caption.
void AddResultsTables(const TableSpec& table, const std::string& title,
                      const std::vector<ResultSummary>& summaries,
                      const std::vector<report::PairedTest>& marks, report::ReportSection& section) {
  if (!table.splits_by_setting) {
    section.tables.push_back(report::ResultsTable(summaries, {.caption = title, .tests = marks}));
    return;
  }
  for (const std::string& setting : report::InOrder(summaries, report::SettingOf)) {
    std::vector<ResultSummary> of_setting;
    for (ResultSummary summary : summaries) {
      if (summary.key.setting != setting) continue;
      summary.key.setting.clear();
      of_setting.push_back(std::move(summary));
    }
    report::ResultsTableOptions options{.caption = title + ", " + setting};
    for (report::PairedTest test : marks) {
      if (test.setting != setting) continue;
      test.setting.clear();
      options.tests.push_back(std::move(test));
    }
    section.tables.push_back(report::ResultsTable(of_setting, options));
  }
}

void AddDataset(const TableSpec& table, const std::string& dataset,
                const std::vector<ResultSummary>& summaries, const ExperimentResults& results,
                report::ReportSection& section) {
  const std::string title = DatasetTitle(dataset);
  if (table.kind == TableKind::kParameters) {
    section.tables.push_back(CountsTable(summaries, title, "model", report::ModelOf));
    return;
  }
  const auto found = std::find_if(results.tests.begin(), results.tests.end(), [&](const TableTests& tests) {
    return tests.table == table.name && tests.dataset == dataset;
  });
  const TableTests tests = found == results.tests.end() ? TableTests{} : *found;
  if (!tests.marks.empty()) section.paragraphs.push_back(Verdict(tests));
  AddResultsTables(table, title, summaries, tests.marks, section);
  if (!tests.tests.empty())
    section.tables.push_back(report::TestsTable(tests.tests, title + ": paired tests"));
  AddRates(results, table.name, dataset, section);
  AddFigures(table, summaries, dataset, section);
}

report::ReportSection SectionOf(const ExperimentConfig& config, const TableSpec& table,
                                const std::vector<ResultSummary>& summaries,
                                const ExperimentResults& results) {
  report::ReportSection section{
      .heading = table.title, .paragraphs = {table.claim}, .tables = {}, .figures = {}};
  if (summaries.empty()) {
    section.paragraphs.push_back(table.crosses_domains ? "No dataset of two domains was given."
                                 : table.kind == TableKind::kProfile
                                     ? "No profile field to predict was given, or nothing was evaluated."
                                     : "Nothing was evaluated.");
    return section;
  }
  if (table.kind == TableKind::kDatasets) {
    section.tables.push_back(CountsTable(summaries, "Datasets", "dataset", DatasetOf));
    if (config.split_by_seed)
      section.paragraphs.push_back("Users are split by seed; counts are those of seed " +
                                   std::to_string(config.seeds.front()) + ".");
    return section;
  }
  for (const std::string& dataset : report::InOrder(summaries, DatasetOf)) {
    AddDataset(table, dataset, Of(summaries, table.name, dataset), results, section);
  }
  return section;
}

// Who searched which points: models in which one of the two rates trains nothing may have fewer.
std::string Searches(const ExperimentConfig& config) {
  const std::function<std::string(const LearningRate&)> text = [](const LearningRate& rate) {
    return rate.ToText();
  };
  const std::vector<LearningRate>& tuned = config.learning_rates;
  const std::vector<LearningRate> fresh = FreshOnly(tuned), scratch = ScratchRates(config);
  std::string list = "Learning rates that were searched: " + Listed<LearningRate>(tuned, text);
  if (fresh == tuned && scratch == tuned) {
    list += ", by every model that is tuned or trained from scratch";
  } else {
    list += " by models of which all parameters are tuned; " + Listed<LearningRate>(fresh, text) +
            " by PPR(light), in which only new ones train; " + Listed<LearningRate>(scratch, text) +
            " by models from scratch";
  }
  return list +
         ". The shared pre-trained model has one rate. The point with the best mean validation value over " +
         "seeds is evaluated, and it alone.";
}

report::ReportSection Overview(const ExperimentConfig& config) {
  const std::string datasets =
      Listed<DatasetSpec>(config.datasets, [](const DatasetSpec& spec) { return DatasetTitle(spec.name); });
  const std::string seeds =
      Listed<uint64_t>(config.seeds, [](const uint64_t& seed) { return std::to_string(seed); });
  report::ReportSection section{.heading = "What was run", .paragraphs = {}, .tables = {}, .figures = {}};
  section.paragraphs.push_back("Datasets: " + datasets + ". Seeds: " + seeds +
                               (config.split_by_seed ? ", each with its own split." : "."));
  section.paragraphs.push_back(Searches(config));
  section.paragraphs.push_back(
      "Tests pair every test user with themselves under the other model: values are averaged over "
      "the user's cases and over seeds, a two-sided t-test runs over users, and p-values are "
      "corrected by Holm's method over all tests of a table.");
  for (const std::string& note : config.Notes()) section.paragraphs.push_back(note);
  return section;
}

}  // namespace

report::Report MakeReport(const ExperimentConfig& config, const ExperimentResults& results) {
  const std::vector<ResultSummary> summaries = report::SummariseOverSeeds(results.rows);
  report::Report made{
      .title = "Personalised prompts: " +
               Listed<DatasetSpec>(config.datasets,
                                   [](const DatasetSpec& spec) { return DatasetTitle(spec.name); }),
      .language = "en",
      .sections = {Overview(config)}};
  for (const TableSpec& table : Tables()) {
    if (std::find(config.tables.begin(), config.tables.end(), table.name) == config.tables.end()) continue;
    made.sections.push_back(SectionOf(config, table, Of(summaries, table.name, ""), results));
  }
  return made;
}

}  // namespace ppr::experiment
