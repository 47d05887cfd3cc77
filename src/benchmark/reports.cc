#include "benchmark/reports.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <numeric>
#include <utility>

#include "base/text_format.h"
#include "benchmark/spread.h"

namespace ppr::benchmark {
namespace {

using Json = nlohmann::ordered_json;

// In the order of StepPhase: the key of a program, the words of a person.
constexpr std::array<std::pair<const char*, const char*>, train::kStepPhases> kPhaseNames = {{
    {"data", "data: of the batch, where not packed ahead"},
    {"gather", "gather: rows caught up and brought here"},
    {"forward_backward", "forward, loss, backward; next batch packed"},
    {"exchange", "exchange: row gradients to their owners"},
    {"all_reduce", "all-reduce of dense gradients, agreement"},
    {"table", "table: row sums, Adam"},
    {"other", "other: epoch plan, everything else"},
}};

const char* const kWhatTrainingCounts =
    "A target is a position in the loss; time is wall-clock from the moment all ranks start until the last "
    "is\n"
    "done, and holds whole steps: epoch plan, packing, negatives, row exchange, forward, backward, exact "
    "Adam.\n"
    "Useful FLOPs: matrix products of forward and backward, causal attention counted exactly, nothing that "
    "is\n"
    "padding or computed twice. Each percentage is a repeat's useful rate over the probes right before and\n"
    "after it: products of [96,64] x [64,64] in the fused kernels on all threads of all ranks at once, and "
    "one\n"
    "large product a rank in libtorch.\n";
const char* const kWhatEvaluationCounts =
    "A user is a case: one history to encode, one item to rank. Time is wall-clock until the last rank is "
    "done.\n"
    "\"full catalogue\" ranks against the stored candidates too, as ppr evaluate does.\n";
const char* const kWhatPrepareCounts =
    "A row is a row of the click log. Time is wall-clock of the whole of ppr prepare, dataset written and "
    "synced;\n"
    "the input was read once before, so that it comes from memory.\n";

Json ToJson(const Spread& spread) {
  return {{"median", spread.median}, {"min", spread.min}, {"max", spread.max}};
}

Json ToJson(const BenchmarkSetting& setting) {
  Json json = {{"data", setting.data},
               {"items", setting.items},
               {"ranks", setting.ranks},
               {"threads_per_rank", setting.threads},
               {"compute", setting.compute}};
  json["instruction_set"] = setting.instruction_set.empty() ? Json(nullptr) : Json(setting.instruction_set);
  return json;
}

std::string ToText(const BenchmarkSetting& setting) {
  std::string text =
      Format("%s, %s items, %d rank%s x %d thread%s, %s path", setting.data.c_str(),
             WithThousands(setting.items).c_str(), setting.ranks, setting.ranks == 1 ? "" : "s",
             setting.threads, setting.threads == 1 ? "" : "s", setting.compute.c_str());
  if (!setting.instruction_set.empty()) text += " (" + setting.instruction_set + ")";
  return text + "\n";
}

// "label   median (min - max)".
std::string Line(const char* label, const Spread& spread, int decimals) {
  return Format("%-30s %14.*f   (%.*f - %.*f)\n", label, decimals, spread.median, decimals, spread.min,
                decimals, spread.max);
}
std::string CountLine(const char* label, const Spread& spread) {
  const auto whole = [](double value) { return WithThousands(std::llround(value)); };
  return Format("%-30s %14s   (%s - %s)\n", label, whole(spread.median).c_str(), whole(spread.min).c_str(),
                whole(spread.max).c_str());
}

template <typename Value>
Spread SpreadOver(const std::vector<TrainingRepeat>& repeats, const Value& value) {
  std::vector<double> values;
  for (const TrainingRepeat& repeat : repeats) values.push_back(value(repeat));
  return SpreadOf(std::move(values));
}

struct TrainingSpreads {
  Spread targets, useful, kernel, library, of_kernel, of_library;
  bool has_kernel;
};

TrainingSpreads SpreadsOf(const std::vector<TrainingRepeat>& repeats) {
  return {SpreadOver(repeats, [](const TrainingRepeat& r) { return r.targets_per_second(); }),
          SpreadOver(repeats, [](const TrainingRepeat& r) { return r.useful_rate() / 1e9; }),
          SpreadOver(repeats, [](const TrainingRepeat& r) { return r.kernel_probe / 1e9; }),
          SpreadOver(repeats, [](const TrainingRepeat& r) { return r.library_probe / 1e9; }),
          SpreadOver(repeats, [](const TrainingRepeat& r) { return r.percent_of_kernel(); }),
          SpreadOver(repeats, [](const TrainingRepeat& r) { return r.percent_of_library(); }),
          !repeats.empty() && repeats.front().kernel_probe > 0};
}

Json ToJson(const TrainingRepeat& repeat) {
  Json json = {{"steps", repeat.steps},
               {"sequences", repeat.sequences},
               {"tokens", repeat.tokens},
               {"targets", repeat.targets},
               {"seconds", repeat.seconds},
               {"useful_flops", repeat.useful_flops},
               {"library_probe_gflops", repeat.library_probe / 1e9}};
  json["kernel_probe_gflops"] = repeat.kernel_probe > 0 ? Json(repeat.kernel_probe / 1e9) : Json(nullptr);
  return json;
}

double Sum(const std::array<double, train::kStepPhases>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

Json ToJson(const RankingSpeed& speed) {
  return {{"cases_per_repeat", speed.cases_per_repeat},
          {"users_per_second", ToJson(SpreadOf(speed.users_per_second))},
          {"microseconds_per_user",
           {{"user_vectors", speed.user_vectors_us},
            {"ranking", speed.ranking_us},
            {"total", speed.user_vectors_us + speed.ranking_us}}}};
}

std::string ToText(const char* label, const RankingSpeed& speed) {
  return CountLine(label, SpreadOf(speed.users_per_second)) +
         Format("  %.2f us a user: %.2f user vectors, %.2f ranking\n",
                speed.user_vectors_us + speed.ranking_us, speed.user_vectors_us, speed.ranking_us);
}

Spread RowsPerSecond(const PrepareSpeedReport& report) {
  std::vector<double> rates;
  for (const double seconds : report.seconds) rates.push_back(static_cast<double>(report.rows) / seconds);
  return SpreadOf(std::move(rates));
}

}  // namespace

std::string TrainingSpeedReport::ToText() const {
  const TrainingSpreads spreads = SpreadsOf(repeats);
  const auto steps = static_cast<double>(repeats.front().steps);
  std::string text = "training: " + benchmark::ToText(setting);
  text += Format("%zu repeats of %s steps; a step has %.1f sequences, %.1f tokens, %.1f targets\n\n",
                 repeats.size(), WithThousands(repeats.front().steps).c_str(),
                 static_cast<double>(repeats.front().sequences) / steps,
                 static_cast<double>(repeats.front().tokens) / steps,
                 static_cast<double>(repeats.front().targets) / steps);
  text += Format("%-30s %14s   (min - max)\n", "", "median");
  text += CountLine("targets/s", spreads.targets);
  text += Line("useful GFLOP/s", spreads.useful, 1);
  if (spreads.has_kernel) {
    text += Line("kernel probe, GFLOP/s", spreads.kernel, 1);
    text += Line("  % of it", spreads.of_kernel, 1);
  }
  text += Line("library probe, GFLOP/s", spreads.library, 1);
  text += Line("  % of it", spreads.of_library, 1);
  const double total = Sum(phase_us);
  text += Format("\na step takes %s us:\n", WithThousands(std::llround(total)).c_str());
  for (size_t phase = 0; phase < train::kStepPhases; ++phase) {
    text += Format("  %-44s %6.2f %% %10.1f us\n", kPhaseNames[phase].second, 100 * phase_us[phase] / total,
                   phase_us[phase]);
  }
  return text + "\n" + kWhatTrainingCounts;
}

std::string TrainingSpeedReport::ToJson() const {
  const TrainingSpreads spreads = SpreadsOf(repeats);
  Json json = {{"benchmark", "training"},
               {"counts", kWhatTrainingCounts},
               {"setting", benchmark::ToJson(setting)},
               {"config", Json::parse(config_json)},
               {"targets_per_second", benchmark::ToJson(spreads.targets)},
               {"useful_gflops", benchmark::ToJson(spreads.useful)}};
  json["kernel_probe_gflops"] = spreads.has_kernel ? benchmark::ToJson(spreads.kernel) : Json(nullptr);
  json["percent_of_kernel_probe"] = spreads.has_kernel ? benchmark::ToJson(spreads.of_kernel) : Json(nullptr);
  json["library_probe_gflops"] = benchmark::ToJson(spreads.library);
  json["percent_of_library_probe"] = benchmark::ToJson(spreads.of_library);
  const double total = Sum(phase_us);
  json["step_microseconds"] = total;
  for (size_t phase = 0; phase < train::kStepPhases; ++phase) {
    json["breakdown"][kPhaseNames[phase].first] = {{"microseconds", phase_us[phase]},
                                                   {"percent", 100 * phase_us[phase] / total}};
  }
  for (const TrainingRepeat& repeat : repeats) json["repeats"].push_back(benchmark::ToJson(repeat));
  return json.dump(2) + "\n";
}

std::string EvaluationSpeedReport::ToText() const {
  std::string text = "evaluation: " + benchmark::ToText(setting);
  text += Format("model %s; %s cases of part %s, %lld candidates each; %zu repeats\n\n", model.c_str(),
                 WithThousands(cases).c_str(), part.c_str(), static_cast<long long>(candidates_per_case),
                 candidates.users_per_second.size());
  text += Format("%-30s %14s   (min - max)\n", "", "median");
  text += benchmark::ToText("candidates, users/s", candidates);
  text += benchmark::ToText("full catalogue, users/s", catalogue);
  return text + "\n" + kWhatEvaluationCounts;
}

std::string EvaluationSpeedReport::ToJson() const {
  const Json json = {{"benchmark", "evaluation"},
                     {"counts", kWhatEvaluationCounts},
                     {"setting", benchmark::ToJson(setting)},
                     {"model", model},
                     {"part", part},
                     {"cases", cases},
                     {"candidates_per_case", candidates_per_case},
                     {"candidates", benchmark::ToJson(candidates)},
                     {"full_catalogue", benchmark::ToJson(catalogue)}};
  return json.dump(2) + "\n";
}

std::string PrepareSpeedReport::ToText() const {
  const Spread rates = RowsPerSecond(*this);
  std::string text = Format("prepare: %s, %s rows, %s bytes; %zu repeats\n\n", interactions.c_str(),
                            WithThousands(rows).c_str(), WithThousands(bytes).c_str(), seconds.size());
  text += Format("%-30s %14s   (min - max)\n", "", "median");
  text += CountLine("rows/s", rates);
  text += Line("seconds", SpreadOf(seconds), 3);
  text += Format("%-30s %14s\n", "peak memory, bytes", WithThousands(peak_memory_bytes).c_str());
  return text + "\n" + kWhatPrepareCounts;
}

std::string PrepareSpeedReport::ToJson() const {
  const Json json = {{"benchmark", "prepare"},
                     {"counts", kWhatPrepareCounts},
                     {"interactions", interactions},
                     {"rows", rows},
                     {"bytes", bytes},
                     {"rows_per_second", benchmark::ToJson(RowsPerSecond(*this))},
                     {"seconds", benchmark::ToJson(SpreadOf(seconds))},
                     {"peak_memory_bytes", peak_memory_bytes}};
  return json.dump(2) + "\n";
}

}  // namespace ppr::benchmark
