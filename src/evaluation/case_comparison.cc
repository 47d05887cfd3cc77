#include "evaluation/case_comparison.h"

#include <map>
#include <vector>

#include "base/errors.h"
#include "base/text_format.h"
#include "evaluation/case_file.h"
#include "evaluation/metrics.h"
#include "evaluation/paired_comparison.h"
#include "settings/shared_settings.h"

namespace ppr::evaluation {
namespace {

void ExpectEqual(const std::string& path_a, const std::string& path_b, const std::string& what,
                 const std::string& a, const std::string& b) {
  if (a == b) return;
  throw DataError("cannot compare " + path_a + " with " + path_b + ": " + what + " differs: expected " + a +
                  " (of the first), found " + b);
}

void CheckSameCases(const std::string& path_a, const CaseFile& a, const std::string& path_b,
                    const CaseFile& b) {
  ExpectEqual(path_a, path_b, "the dataset digest", a.dataset_digest, b.dataset_digest);
  ExpectEqual(path_a, path_b, "the number of cases", std::to_string(a.user_ids.size()),
              std::to_string(b.user_ids.size()));
  for (size_t i = 0; i < a.user_ids.size(); ++i) {
    const std::string what = "case " + std::to_string(i + 1);
    ExpectEqual(path_a, path_b, what + ", user", a.user_ids[i], b.user_ids[i]);
    ExpectEqual(path_a, path_b, what + ", position", std::to_string(a.positions[i]),
                std::to_string(b.positions[i]));
    ExpectEqual(path_a, path_b, what + ", candidates", std::to_string(a.candidates[i].others),
                std::to_string(b.candidates[i].others));
  }
}

// Numbers for users, in order of appearance.
std::vector<int32_t> UserNumbers(const std::vector<std::string>& user_ids) {
  std::map<std::string, int32_t> numbers;
  std::vector<int32_t> users;
  for (const std::string& id : user_ids) {
    users.push_back(numbers.emplace(id, static_cast<int32_t>(numbers.size())).first->second);
  }
  return users;
}

// values[metric][case].
std::vector<std::vector<double>> MetricValues(const std::vector<RankCounts>& counts) {
  const std::vector<std::string> names = MetricNames();
  std::vector<std::vector<double>> values(names.size());
  for (const RankCounts& count : counts) {
    const CaseMetrics metrics = MetricsOf(count);
    for (size_t m = 0; m < names.size(); ++m) values[m].push_back(NamedMetric(metrics, names[m]));
  }
  return values;
}

std::string Table(const std::vector<RankCounts>& a, const std::vector<RankCounts>& b,
                  const std::vector<int32_t>& users, uint64_t seed, int bootstrap_samples) {
  const std::vector<std::string> names = MetricNames();
  const std::vector<std::vector<double>> values_a = MetricValues(a), values_b = MetricValues(b);
  std::string text =
      Format("%-10s %10s %10s %11s %25s %10s\n", "metric", "mean A", "mean B", "B - A", "95 % interval", "p");
  for (size_t m = 0; m < names.size(); ++m) {
    const PairedComparison row =
        ComparePaired(names[m], values_a[m], values_b[m], users, seed, bootstrap_samples);
    text += Format("%-10s %10.4f %10.4f %+11.4f     [%+9.4f, %+9.4f] %10.3g\n", names[m].c_str(), row.mean_a,
                   row.mean_b, row.difference, row.low, row.high, row.p_value);
  }
  return text;
}

}  // namespace

void Describe(settings::Settings& settings, CaseComparison& comparison) {
  constexpr int64_t kMostSamples = 1'000'000;
  settings.Topic("Comparison");
  settings.Add(&comparison.path_a,
               {.flag = "a", .help = "cases.tsv of the run to compare with; or the first argument"});
  settings.Add(&comparison.path_b,
               {.flag = "b", .help = "cases.tsv of the run in question; or the second argument"});
  settings::AddSeed(settings, &comparison.seed);
  settings.Add(&comparison.bootstrap_samples,
               {.flag = "bootstrap_samples",
                .help = "Bootstrap resamples of users behind the 95 % interval",
                .limits = settings::Between(100, kMostSamples)});
}

std::string CompareCaseFiles(const CaseComparison& comparison) {
  const auto& [path_a, path_b, seed, bootstrap_samples] = comparison;
  const CaseFile a = ReadCaseFile(path_a), b = ReadCaseFile(path_b);
  CheckSameCases(path_a, a, path_b, b);
  const std::vector<int32_t> users = UserNumbers(a.user_ids);
  std::string text = "A: " + path_a + " (task " + a.task + ", checkpoint " + a.checkpoint_digest + ")\n" +
                     "B: " + path_b + " (task " + b.task + ", checkpoint " + b.checkpoint_digest + ")\n";
  text += Format("%s cases; cases of one user are averaged first; p: two-sided paired t-test over users\n",
                 WithThousands(static_cast<long long>(a.user_ids.size())).c_str());
  text +=
      "\nAgainst the stored candidates\n" + Table(a.candidates, b.candidates, users, seed, bootstrap_samples);
  if (!a.catalogue.empty() && !b.catalogue.empty()) {
    text +=
        "\nAgainst the full catalogue\n" + Table(a.catalogue, b.catalogue, users, seed, bootstrap_samples);
  }
  return text;
}

}  // namespace ppr::evaluation
