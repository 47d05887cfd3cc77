// Every flag file of configs/paper from raw files to the report, at tiny size: files of the right layouts are
// generated, prepared, and go through all stages of the real program. What the models learn in three steps
// means nothing; that every table is whole, and the same bytes after a kill, does.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "base/durable_file.h"
#include "cli_program.h"
#include "report/results.h"

namespace ppr::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kPaper = PPR_SOURCE_DIR "/configs/paper/";

class PaperTablesTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    Generate("cikm", "cikm");
    Generate("ali", "ali");
    Write("cikm.flags",
          "--source=cikm\n--interactions=raw/cikm/user_behavior.csv\n--users=raw/cikm/user.csv\n");
    Write("aliec.flags",
          "--source=aliec\n--interactions=raw/ali/behavior_log.csv\n--users=raw/ali/user_profile.csv\n");
    Write("aliad.flags",
          "--source=aliad\n--interactions=raw/ali/raw_sample.csv\n--users=raw/ali/user_profile.csv\n");
  }

  void Generate(const std::string& source, const std::string& name) const {
    const ProgramResult result =
        Program({"/usr/bin/env", "python3", PPR_SOURCE_DIR "/tests/support/raw_files.py", source,
                 "raw/" + name, "--users=300", "--clicks=12"},
                folder_)
            .Wait();
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  // A flag file with settings that end in seconds; the command line wins over the file.
  static std::vector<std::string> Arguments(const std::string& table, const std::string& datasets,
                                            const std::string& output, const std::string& fields,
                                            const std::string& seeds = "1,2") {
    const std::string tiny =
        "--max_steps=3 --batch_size=32 --threads=1 --progress=none --evaluate_every_steps=3";
    return {"experiment",
            "--flagfile=" + kPaper + table + ".flags",
            "--printed=" + kPaper + "printed.csv",
            "--datasets=" + datasets,
            "--output=" + output,
            "--seeds=" + seeds,
            "--learning_rates=1e-3",
            "--ks=1,5",
            "--prompt_lengths=1,3",
            "--predict_fields=" + fields,
            "--pretrain_flags=--preset=paper --width=16 --ffn_width=16 --max_history=20 " + tiny,
            "--tune_flags=" + tiny,
            "--evaluate_flags=--threads=1",
            "--parallel_stages=2"};
  }

  ProgramResult Run(const std::string& table, const std::string& datasets, const std::string& output,
                    const std::string& fields = "CIKM:gender", const std::string& seeds = "1,2") const {
    return RunPpr(Arguments(table, datasets, output, fields, seeds), folder_);
  }

  std::vector<report::ResultRow> Results(const std::string& output) const {
    return report::ReadResults((folder_ / output / "results.csv").string());
  }

  std::string Product(const std::string& output, const std::string& name) const {
    return ReadWholeFile((folder_ / output / name).string());
  }
};

// Models with their settings, each with the number of its seeds.
using RowsOfTable = std::map<std::string, int>;

std::map<std::string, RowsOfTable> RowsByTable(const std::vector<report::ResultRow>& rows) {
  std::map<std::string, RowsOfTable> tables;
  std::map<std::string, std::string> metric_of;  // of a row, one metric is enough
  for (const report::ResultRow& row : rows) {
    const std::string name =
        row.key.dataset + " " + row.key.model + (row.key.setting.empty() ? "" : ", ") + row.key.setting;
    const auto metric = metric_of.emplace(row.key.table + name, row.key.metric).first->second;
    if (row.key.metric == metric) ++tables[row.key.table][name];
  }
  return tables;
}

// Every table from one command, with one seed; then each flag file on its own finds all of its stages
// complete.
TEST_F(PaperTablesTest, EveryTableRunsFromRawFiles) {
  const std::string datasets = "CIKM=cikm.flags,AliEC:AliAD=aliec.flags:aliad.flags";
  const ProgramResult all = Run("all", datasets, "out", "CIKM:gender", "1");
  ASSERT_EQ(all.exit_code, 0) << all.err;
  const std::map<std::string, RowsOfTable> tables = RowsByTable(Results("out"));
  const RowsOfTable few_shot = {{"CIKM BERT4Rec", 1},   {"CIKM SASRec", 1},    {"CIKM MeLU", 1},
                                {"CIKM CL4SRec", 1},    {"CIKM pre-train", 1}, {"CIKM fine-tuning", 1},
                                {"CIKM PPR(light)", 1}, {"CIKM PPR(full)", 1}};
  const RowsOfTable tuned = {{"CIKM fine-tuning", 1}, {"CIKM PPR(light)", 1}, {"CIKM PPR(full)", 1}};
  const RowsOfTable cross_domain = {{"AliEC:AliAD SASRec(target)", 1},
                                    {"AliEC:AliAD MiNet", 1},
                                    {"AliEC:AliAD fine-tuning", 1},
                                    {"AliEC:AliAD PPR(full)", 1}};
  EXPECT_EQ(tables.at("table3_few_shot"), few_shot);
  EXPECT_EQ(tables.at("table4_zero_shot"), tuned);
  EXPECT_EQ(tables.at("table5_joint"), tuned);
  EXPECT_EQ(tables.at("table7_cross_domain"), cross_domain);
  EXPECT_THAT(tables.at("table1_parameters"), SizeIs(3));
  EXPECT_THAT(tables.at("table2_datasets"), SizeIs(1));
  EXPECT_THAT(tables.at("figure3_ablation"), SizeIs(1 + 2 * 5));
  EXPECT_THAT(tables.at("table6_universality"), SizeIs(3 * 4));
  EXPECT_THAT(tables.at("figure4_sparsity"), SizeIs(2 * 3));
  EXPECT_THAT(tables.at("prompt_length"), SizeIs(1 + 2 * 2));
  EXPECT_THAT(tables.at("table8_profile"), SizeIs(3));
  const std::string html = Product("out", "report.html");
  EXPECT_THAT(html, Not(HasSubstr("Nothing was evaluated")));
  EXPECT_THAT(html, Not(HasSubstr(folder_.string())));

  for (const auto& [table, rows] : tables) {
    const ProgramResult alone = Run(table, datasets, "out", "CIKM:gender", "1");
    EXPECT_EQ(alone.exit_code, 0) << table << ": " << alone.err;
    EXPECT_EQ(alone.err, "") << table << " had stages to run";
    EXPECT_EQ(RowsByTable(Results("out")).at(table), rows) << table;
  }
}

// The shipped flags of ppr prepare, on files where the documents say that the raw files go.
TEST_F(PaperTablesTest, TheShippedPreparationsFitTheRawFiles) {
  Generate("qqbrowser", "qqbrowser");
  for (const std::string source : {"cikm", "qqbrowser", "aliec"}) {
    const ProgramResult result = RunPpr({"prepare", "--flagfile=" + kPaper + "prepare_" + source + ".flags",
                                         "--user_share=1", "--output=" + source + ".h5"},
                                        folder_);
    EXPECT_EQ(result.exit_code, 0) << source << ": " << result.err;
  }
  const ProgramResult target = RunPpr({"prepare", "--flagfile=" + kPaper + "prepare_aliad.flags",
                                       "--shared_with=aliec.h5", "--output=aliad.h5"},
                                      folder_);
  EXPECT_EQ(target.exit_code, 0) << target.err;
  const ProgramResult joint = Run("table5_joint", "QQBrowser=qqbrowser.h5", "out");
  ASSERT_EQ(joint.exit_code, 0) << joint.err;
  for (const report::ResultRow& row : Results("out")) EXPECT_TRUE(row.paper_value.has_value());
}

TEST_F(PaperTablesTest, TheFieldOfThePaperIsPredicted) {
  const ProgramResult result = Run("table8_profile", "AliEC=aliec.flags", "out", "occupation");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::set<std::string> metrics;
  for (const report::ResultRow& row : Results("out")) {
    metrics.insert(row.key.metric);
    EXPECT_GE(row.value, 0);
    EXPECT_LE(row.value, 1);
    EXPECT_EQ(row.paper_value.has_value(), row.key.model != "PPR(full)");
  }
  EXPECT_EQ(metrics, (std::set<std::string>{"ACC", "Precision", "Recall", "F1"}));
}

TEST_F(PaperTablesTest, AFieldThatTheDatasetLacksIsRefusedFirst) {
  const ProgramResult made = RunPpr({"prepare", "--flagfile=cikm.flags", "--output=cikm.h5"}, folder_);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const ProgramResult result = Run("table8_profile", "CIKM=cikm.h5", "out", "gendre,AliEC:occupation");
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("predict_fields: expected profile fields of CIKM"));
  EXPECT_THAT(result.err, HasSubstr("did you mean gender?"));
  EXPECT_THAT(result.err, HasSubstr("AliEC:occupation is not predicted"));
}

TEST_F(PaperTablesTest, KilledWhileItTunesItEndsWithTheSameBytes) {
  const std::string datasets = "CIKM=cikm.flags";
  const ProgramResult undisturbed = Run("table4_zero_shot", datasets, "undisturbed");
  ASSERT_EQ(undisturbed.exit_code, 0) << undisturbed.err;
  const RowsOfTable both_seeds = {{"CIKM fine-tuning", 2}, {"CIKM PPR(light)", 2}, {"CIKM PPR(full)", 2}};
  EXPECT_EQ(RowsByTable(Results("undisturbed")).at("table4_zero_shot"), both_seeds);
  std::vector<std::string> words = {PprPath()};
  for (const std::string& argument : Arguments("table4_zero_shot", datasets, "killed", ""))
    words.push_back(argument);
  {
    Program program(words, folder_);
    const auto began_to_tune = [&] {
      std::error_code error;
      const auto stages = std::filesystem::directory_iterator(folder_ / "killed/stages", error);
      return !error && std::any_of(begin(stages), end(stages), [](const auto& stage) {
        return stage.path().filename().string().starts_with("tune-ppr_light") &&
               std::filesystem::exists(stage.path() / "run");
      });
    };
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!began_to_tune() && std::chrono::steady_clock::now() < give_up)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_TRUE(began_to_tune());
    program.Signal(SIGKILL);
    EXPECT_EQ(program.Wait().exit_code, 128 + SIGKILL);
  }
  const ProgramResult resumed = Run("table4_zero_shot", datasets, "killed");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, Not(HasSubstr("prepare")));
  for (const char* const name : {"results.csv", "report.md", "report.html"})
    EXPECT_EQ(Product("killed", name), Product("undisturbed", name)) << name;
}

}  // namespace
}  // namespace ppr::e2e
