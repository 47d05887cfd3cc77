// `ppr bench` through the real binary: every field is there, the numbers agree with each other, and nothing
// is left behind. No test looks at how fast anything is.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include <algorithm>

#include "cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

// Sums and ratios of doubles that were printed in full: a few roundings.
constexpr double kRounding = 1e-9;

void ExpectEqual(double found, double expected, const std::string& what) {
  EXPECT_NEAR(found, expected, kRounding * std::max(1.0, std::abs(expected))) << what;
}

double Middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// A {median, min, max} of the report is that of `values`.
void ExpectSpread(const Json& report, const std::string& name, const std::vector<double>& values) {
  const Json& spread = report.at(name);
  ExpectEqual(spread.at("median"), Middle(values), name);
  ExpectEqual(spread.at("min"), *std::min_element(values.begin(), values.end()), name);
  ExpectEqual(spread.at("max"), *std::max_element(values.begin(), values.end()), name);
}

std::vector<double> OfEach(const Json& repeats, double (*value)(const Json& repeat)) {
  std::vector<double> values;
  for (const Json& repeat : repeats) values.push_back(value(repeat));
  return values;
}

double Rate(const Json& repeat, const char* count) {
  return repeat.at(count).get<double>() / repeat.at("seconds").get<double>();
}

void ExpectPhasesThatSumUp(const Json& report) {
  double microseconds = 0, percent = 0;
  const double step = report.at("step_microseconds");
  for (const char* const phase :
       {"data", "gather", "forward_backward", "exchange", "all_reduce", "table", "other"}) {
    const Json& found = report.at("breakdown").at(phase);
    ExpectEqual(found.at("percent"), 100 * found.at("microseconds").get<double>() / step, phase);
    microseconds += found.at("microseconds").get<double>();
    percent += found.at("percent").get<double>();
  }
  EXPECT_EQ(report.at("breakdown").size(), 7u);
  ExpectEqual(microseconds, step, "phases of a step");
  ExpectEqual(percent, 100, "percentages of a step");
  EXPECT_GT(report.at("breakdown").at("forward_backward").at("microseconds"), 0);
}

void ExpectConsistentTraining(const Json& report) {
  EXPECT_EQ(report.at("benchmark"), "training");
  EXPECT_THAT(report.at("counts").get<std::string>(), HasSubstr("A target is a position in the loss"));
  const Json& repeats = report.at("repeats");
  for (const Json& repeat : repeats) {
    EXPECT_GT(repeat.at("seconds"), 0);
    EXPECT_GT(repeat.at("useful_flops"), 0);
    EXPECT_EQ(repeat.at("tokens"), repeat.at("targets")) << "each click of pre-training has one target";
  }
  ExpectSpread(report, "targets_per_second",
               OfEach(repeats, [](const Json& r) { return Rate(r, "targets"); }));
  ExpectSpread(report, "useful_gflops",
               OfEach(repeats, [](const Json& r) { return Rate(r, "useful_flops") / 1e9; }));
  ExpectSpread(report, "library_probe_gflops",
               OfEach(repeats, [](const Json& r) { return r.at("library_probe_gflops").get<double>(); }));
  ExpectSpread(report, "percent_of_library_probe", OfEach(repeats, [](const Json& r) {
                 return Rate(r, "useful_flops") / 1e7 / r.at("library_probe_gflops").get<double>();
               }));
  if (report.at("kernel_probe_gflops").is_null()) {  // neither AVX2 nor AVX-512 here
    EXPECT_TRUE(report.at("percent_of_kernel_probe").is_null());
  } else {
    ExpectSpread(report, "kernel_probe_gflops",
                 OfEach(repeats, [](const Json& r) { return r.at("kernel_probe_gflops").get<double>(); }));
    ExpectSpread(report, "percent_of_kernel_probe", OfEach(repeats, [](const Json& r) {
                   return Rate(r, "useful_flops") / 1e7 / r.at("kernel_probe_gflops").get<double>();
                 }));
  }
  ExpectPhasesThatSumUp(report);
}

void ExpectConsistentRanking(const Json& report, const std::string& kind) {
  const Json& speed = report.at(kind);
  const Json& us = speed.at("microseconds_per_user");
  ExpectEqual(us.at("total"), us.at("user_vectors").get<double>() + us.at("ranking").get<double>(), kind);
  EXPECT_GT(us.at("user_vectors"), 0);
  const Json& rate = speed.at("users_per_second");
  EXPECT_LE(rate.at("min"), rate.at("median"));
  EXPECT_LE(rate.at("median"), rate.at("max"));
  // The mean time of a user lies between those of the fastest and the slowest repeat.
  EXPECT_GE(us.at("total").get<double>(), 1e6 / rate.at("max").get<double>() * (1 - kRounding));
  EXPECT_LE(us.at("total").get<double>(), 1e6 / rate.at("min").get<double>() * (1 + kRounding));
  EXPECT_EQ(speed.at("cases_per_repeat").get<int64_t>() % report.at("cases").get<int64_t>(), 0);
}

class BenchTest : public CliTest {
 protected:
  Json Measure(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"bench", "--json"});
    const ProgramResult result = RunPpr(arguments, folder_);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return Json::parse(result.out, nullptr, false);
  }
};

const std::vector<std::string> kSmallModel = {"--blocks=1", "--width=32", "--ffn_width=32", "--repeats=3",
                                              "--warmup_seconds=0"};

std::vector<std::string> Small(std::vector<std::string> more) {
  more.insert(more.end(), kSmallModel.begin(), kSmallModel.end());
  return more;
}

TEST_F(BenchTest, TrainingOnADatasetAddsUp) {
  PrepareShippedData();
  const Json report = Measure(Small({"--dataset=data.h5", "--steps=4", "--batch_size=16", "--threads=1"}));
  ExpectConsistentTraining(report);
  EXPECT_EQ(report.at("setting").at("data"), "data.h5");
  EXPECT_EQ(report.at("setting").at("ranks"), 1);
  EXPECT_EQ(report.at("setting").at("threads_per_rank"), 1);
  EXPECT_EQ(report.at("config").at("encoder").at("width"), 32);
  ASSERT_EQ(report.at("repeats").size(), 3u);
  for (const Json& repeat : report.at("repeats")) EXPECT_EQ(repeat.at("steps"), 4);
  EXPECT_THAT(Listing(), ElementsAre("data.h5")) << "a benchmark leaves nothing behind";
}

TEST_F(BenchTest, TrainingOnGeneratedIdsOfTwoRanksAddsUp) {
  const Json report = Measure(Small({"--items=2000", "--targets_per_sequence=5", "--batch_size=32",
                                     "--steps=3", "--local_ranks=2", "--threads=1", "--compute=reference"}));
  ExpectConsistentTraining(report);
  EXPECT_EQ(report.at("setting").at("data"), "generated");
  EXPECT_EQ(report.at("setting").at("items"), 2000);
  EXPECT_EQ(report.at("setting").at("ranks"), 2);
  EXPECT_EQ(report.at("setting").at("compute"), "reference");
  EXPECT_TRUE(report.at("setting").at("instruction_set").is_null());
  for (const Json& repeat : report.at("repeats"))
    EXPECT_EQ(repeat.at("sequences"), 3 * 32) << "of both ranks";
}

TEST_F(BenchTest, TheTextSaysWhatItCounts) {
  const ProgramResult result =
      RunPpr(Small({"bench", "--items=2000", "--batch_size=16", "--steps=2", "--threads=1"}), folder_);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("targets/s"), HasSubstr("useful GFLOP/s"), HasSubstr("library probe"),
                    HasSubstr("forward, loss, backward"), HasSubstr("A target is a position in the loss")));
}

TEST_F(BenchTest, EvaluationAddsUp) {
  PrepareShippedData();
  const Json report = Measure(Small({"--eval", "--dataset=data.h5", "--seconds=0.05", "--threads=1"}));
  EXPECT_EQ(report.at("benchmark"), "evaluation");
  EXPECT_EQ(report.at("model"), "untrained");
  EXPECT_EQ(report.at("part"), "cold_test");
  EXPECT_EQ(report.at("candidates_per_case"), 99);
  ExpectConsistentRanking(report, "candidates");
  ExpectConsistentRanking(report, "full_catalogue");
  EXPECT_THAT(Listing(), ElementsAre("data.h5"));
}

TEST_F(BenchTest, EvaluationTakesACheckpointOrGeneratedIds) {
  PrepareShippedData();
  ASSERT_EQ(RunPpr({"pretrain", "--dataset=data.h5", "--output=run", "--blocks=1", "--width=16",
                    "--ffn_width=16", "--max_steps=1", "--progress=none"},
                   folder_)
                .exit_code,
            0);
  const std::vector<std::string> short_ones = {"--eval",      "--seconds=0.05",     "--warmup_seconds=0",
                                               "--repeats=2", "--batch_cases=1000", "--threads=1"};
  std::vector<std::string> stored = short_ones, generated = short_ones;
  stored.insert(stored.end(), {"--dataset=data.h5", "--checkpoint=run"});
  const Json of_checkpoint = Measure(stored);
  EXPECT_EQ(of_checkpoint.at("model"), "run");
  ExpectConsistentRanking(of_checkpoint, "full_catalogue");
  generated.insert(generated.end(), {"--items=1000", "--blocks=1", "--width=16", "--ffn_width=16"});
  const Json of_generated = Measure(generated);
  EXPECT_EQ(of_generated.at("part"), "test");
  ExpectConsistentRanking(of_generated, "full_catalogue");
}

TEST_F(BenchTest, PrepareAddsUp) {
  const Json report = Measure({"--prepare", "--rows=20000", "--repeats=3", "--temporary_folder=."});
  EXPECT_EQ(report.at("benchmark"), "prepare");
  EXPECT_EQ(report.at("interactions"), "generated");
  EXPECT_EQ(report.at("rows"), 20000);
  EXPECT_GT(report.at("bytes"), 20000 * 10);
  EXPECT_GT(report.at("peak_memory_bytes"), 0);
  const Json& seconds = report.at("seconds");
  const Json& rates = report.at("rows_per_second");
  ExpectEqual(rates.at("max"), 20000 / seconds.at("min").get<double>(), "the fastest repeat");
  ExpectEqual(rates.at("min"), 20000 / seconds.at("max").get<double>(), "the slowest repeat");
  ExpectEqual(rates.at("median"), 20000 / seconds.at("median").get<double>(), "the middle one of three");
  EXPECT_THAT(Listing(), ElementsAre()) << "the scratch folder is gone";
}

TEST_F(BenchTest, PrepareTakesFiles) {
  const std::string examples = PPR_SOURCE_DIR "/examples/completejourney/completejourney";
  const Json report = Measure({"--prepare", "--interactions=" + examples + ".inter",
                               "--users=" + examples + ".user", "--repeats=1", "--temporary_folder=."});
  EXPECT_EQ(report.at("rows"), 75000);
  EXPECT_THAT(Listing(), ElementsAre());
}

struct BenchRefusal {
  std::string name;
  std::vector<std::string> arguments;
  std::vector<std::string> says;
};

void PrintTo(const BenchRefusal& refusal, std::ostream* stream) { *stream << refusal.name; }

class BenchRefusals : public CliTest, public ::testing::WithParamInterface<BenchRefusal> {};

TEST_P(BenchRefusals, NameTheFlag) {
  std::vector<std::string> arguments = {"bench"};
  arguments.insert(arguments.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  const ProgramResult result = RunPpr(arguments, folder_);
  EXPECT_EQ(result.exit_code, 64) << result.err;
  EXPECT_EQ(result.out, "");
  for (const std::string& text : GetParam().says) EXPECT_THAT(result.err, HasSubstr(text));
  EXPECT_THAT(Listing(), ElementsAre());
}

INSTANTIATE_TEST_SUITE_P(
    , BenchRefusals,
    ::testing::Values(
        BenchRefusal{"NothingToMeasure", {}, {"--dataset (default): expected a path, or --items"}},
        BenchRefusal{
            "BothSources", {"--dataset=d", "--items=5000"}, {"--items (command line)", "--dataset=d"}},
        BenchRefusal{"EvalAndPrepare",
                     {"--eval", "--prepare", "--dataset=d"},
                     {"--eval (command line)", "found both"}},
        BenchRefusal{
            "AllProblemsAtOnce",
            {"--items=3", "--repeats=0", "--seconds=0", "--blocks=0", "--rows=5000", "--part=test",
             "--negatives=0"},
            {"7 problems", "--items (command line): expected 0 (none) or", "--repeats (command line)",
             "--seconds (command line)", "--blocks (command line)", "--rows (command line): plays no part",
             "--part (command line): plays no part", "--negatives (command line)"}},
        BenchRefusal{"TooManyTargets",
                     {"--items=5000", "--targets_per_sequence=51"},
                     {"--targets_per_sequence (command line): expected 1 to max_history (50), found 51"}},
        BenchRefusal{"TargetsOfADataset",
                     {"--dataset=d", "--targets_per_sequence=5"},
                     {"--targets_per_sequence (command line): expected with --items"}},
        BenchRefusal{
            "StepsAndSeconds", {"--dataset=d", "--steps=5", "--seconds=1"}, {"--steps (command line)"}},
        BenchRefusal{"EncoderOfACheckpoint",
                     {"--eval", "--dataset=d", "--checkpoint=c", "--blocks=3"},
                     {"--blocks (command line): expected without --checkpoint"}},
        BenchRefusal{"RanksOfPrepare",
                     {"--prepare", "--local_ranks=2"},
                     {"--local_ranks (command line): plays no part"}},
        BenchRefusal{"RowsOfAFile",
                     {"--prepare", "--rows=5000", "--interactions=x.csv"},
                     {"--rows (command line): expected one of --rows and --interactions"}},
        BenchRefusal{"TrainingFlagOfEval",
                     {"--eval", "--dataset=d", "--batch_size=8"},
                     {"--batch_size (command line)"}},
        BenchRefusal{"UnknownCompute", {"--dataset=d", "--compute=fusd"}, {"did you mean fused?"}}),
    [](const ::testing::TestParamInfo<BenchRefusal>& refusal) { return refusal.param.name; });

TEST_F(BenchTest, MissingDatasetIsAStorageOrDataError) {
  const ProgramResult result = RunPpr({"bench", "--dataset=missing.h5"}, folder_);
  EXPECT_THAT(result.exit_code, ::testing::AnyOf(65, 74)) << result.err;
  EXPECT_THAT(result.err, HasSubstr("missing.h5"));
}

}  // namespace
}  // namespace ppr::e2e
