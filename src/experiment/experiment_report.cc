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

// Counts and percentages: a row per `head`, a column per metric, the paper's number beside each that has one.
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
    const bool has_paper = std::any_of(of_metric.begin(), of_metric.end(), [](const ResultSummary& summary) {
      return summary.paper_value.has_value();
    });
    table.columns.push_back(metric);
    if (has_paper) table.columns.push_back(metric + ", paper");
    for (report::TableRow& row : table.rows) {
      const auto found = std::find_if(of_metric.begin(), of_metric.end(), [&](const ResultSummary& summary) {
        return head_of(summary) == row.head;
      });
      const bool is_there = found != of_metric.end();
      row.cells.push_back({is_there ? printed(found->mean) : "–"});
      if (has_paper)
        row.cells.push_back({is_there && found->paper_value ? printed(*found->paper_value) : "–"});
    }
  }
  return table;
}

// What the tests of one dataset say, a sentence per model.
std::vector<std::string> Verdicts(const TableTests& tests) {
  std::vector<std::string> sentences;
  std::string subject;
  for (const report::PairedTest& test : tests.marks) {
    const std::string head = report::RowHead(test.model, test.setting) + " against " + test.against;
    const bool significant = test.adjusted_p < 0.05;
    const std::string finding = Format("%s %+.4f (d_z %+.3f, p %.2g: %s)", test.metric.c_str(),
                                       test.difference, test.effect_size, test.adjusted_p,
                                       !significant          ? "no difference shown"
                                       : test.difference > 0 ? "better"
                                                             : "worse");
    if (head == subject) {
      sentences.back() += "; " + finding;
    } else {
      sentences.push_back(DatasetTitle(tests.dataset) + ": " + head + ": " + finding);
      subject = head;
    }
  }
  return sentences;
}

void AddRates(const ExperimentResults& results, const std::string& name, const std::string& dataset,
              report::ReportSection& section) {
  report::Table table{.caption = DatasetTitle(dataset) + ": learning rates chosen by validation",
                      .corner = "model",
                      .columns = {"rate", "of", "validation, mean over seeds"},
                      .rows = {},
                      .note = "Two rates: of pre-trained and of new parameters."};
  bool is_a_choice = false;
  for (const RateChoice& choice : results.rates) {
    if (choice.table != name || choice.dataset != dataset) continue;
    is_a_choice = is_a_choice || choice.choices > 1;
    table.rows.push_back(
        {choice.head,
         {{choice.rate}, {std::to_string(choice.choices)}, {Format("%.4f", choice.validation)}}});
  }
  if (is_a_choice) section.tables.push_back(std::move(table));
}

// Prompts of every length are compared with fine-tuning, which has none.
std::vector<ResultSummary> RepeatReference(const std::vector<ResultSummary>& summaries,
                                           const std::string& model) {
  std::vector<ResultSummary> repeated;
  std::vector<std::string> settings;
  for (const std::string& setting : report::InOrder(summaries, report::SettingOf)) {
    if (!setting.empty()) settings.push_back(setting);
  }
  for (const std::string& setting : settings) {
    for (ResultSummary summary : summaries) {
      if (summary.key.setting.empty() && summary.key.model == model) summary.key.setting = setting;
      if (summary.key.setting == setting) repeated.push_back(std::move(summary));
    }
  }
  return repeated;
}

void AddFigures(const TableSpec& table, const std::vector<ResultSummary>& summaries,
                const std::string& dataset, report::ReportSection& section) {
  if (table.figure == FigureKind::kNone || summaries.empty()) return;
  const std::string reference = ModelTitle("fine_tune"), begin = DatasetTitle(dataset) + ": ";
  for (const char* const metric : {"AUC", "HIT@10", "NDCG@10"}) {
    const std::vector<ResultSummary> of_metric = WithMetric(summaries, metric);
    if (of_metric.empty()) continue;
    if (table.figure == FigureKind::kMeans) {
      section.figures.push_back(report::MeansFigure(of_metric, begin + metric));
      continue;
    }
    const std::vector<std::string> models = report::InOrder(of_metric, report::ModelOf);
    if (models.size() < 2 || std::find(models.begin(), models.end(), reference) == models.end()) continue;
    const bool repeats = table.name == "prompt_length";
    section.figures.push_back(report::ImprovementFigure(
        repeats ? RepeatReference(of_metric, reference) : of_metric, metric, reference, begin + metric));
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
  const auto tests = std::find_if(results.tests.begin(), results.tests.end(), [&](const TableTests& found) {
    return found.table == table.name && found.dataset == dataset;
  });
  report::ResultsTableOptions options{.caption = title, .decimals = 4, .lower_is_better = {}, .tests = {}};
  if (tests != results.tests.end()) {
    const std::vector<std::string> sentences = Verdicts(*tests);
    section.paragraphs.insert(section.paragraphs.end(), sentences.begin(), sentences.end());
    options.tests = tests->marks;
  }
  section.tables.push_back(report::ResultsTable(summaries, options));
  if (tests != results.tests.end() && !tests->tests.empty())
    section.tables.push_back(report::TestsTable(tests->tests, title + ": paired tests"));
  AddRates(results, table.name, dataset, section);
  AddFigures(table, summaries, dataset, section);
}

report::ReportSection SectionOf(const TableSpec& table, const std::vector<ResultSummary>& summaries,
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
    return section;
  }
  for (const std::string& dataset : report::InOrder(summaries, DatasetOf)) {
    AddDataset(table, dataset, Of(summaries, table.name, dataset), results, section);
  }
  return section;
}

report::ReportSection Overview(const ExperimentConfig& config) {
  const std::string datasets =
      Listed<DatasetSpec>(config.datasets, [](const DatasetSpec& spec) { return DatasetTitle(spec.name); });
  const std::string seeds =
      Listed<uint64_t>(config.seeds, [](const uint64_t& seed) { return std::to_string(seed); });
  const std::function<std::string(const LearningRate&)> text = [](const LearningRate& rate) {
    return rate.ToText();
  };
  report::ReportSection section{.heading = "What was run", .paragraphs = {}, .tables = {}, .figures = {}};
  section.paragraphs.push_back("Datasets: " + datasets + ". Seeds: " + seeds +
                               (config.split_by_seed ? ", each with its own split." : "."));
  section.paragraphs.push_back(
      "Every model except the shared pre-trained one searches the same learning rates: " +
      Listed<LearningRate>(config.learning_rates, text) + " when tuning" +
      (config.scratch_learning_rates.empty()
           ? ""
           : ", " + Listed<LearningRate>(config.scratch_learning_rates, text) + " from scratch") +
      ". The rate with the best mean validation value over seeds is evaluated, and it alone.");
  section.paragraphs.push_back(
      "Tests pair every test user with themselves under the other model: values are averaged over the user's "
      "cases "
      "and over seeds, a two-sided t-test runs over users, and p-values are corrected by Holm's method over "
      "all "
      "tests of a table.");
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
    made.sections.push_back(SectionOf(table, Of(summaries, table.name, ""), results));
  }
  return made;
}

}  // namespace ppr::experiment
