// The competitors, other prompts and profile prediction through the program: from raw files to metrics, on
// ranks; what a stopped run resumes to; and what does not go together is refused with a word on what would.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "cli_program.h"

namespace ppr::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Commands that train and evaluate something tiny, and what they leave.
class StageCommands : public CliTest {
 protected:
  void ExpectDone(const Words& words) const {
    const ProgramResult result = RunPpr(words, folder_);
    ASSERT_EQ(result.exit_code, 0) << words[0] << ": " << result.err;
  }
  static Words Pretrain(const std::string& run, const std::string& model) {
    Words words = {"pretrain",
                   "--dataset=data.h5",
                   "--output=" + run,
                   "--model=" + model,
                   "--blocks=1",
                   "--width=8",
                   "--ffn_width=8",
                   "--batch_size=8",
                   "--max_steps=9",
                   "--progress=none",
                   "--local_ranks=2",
                   "--threads=1",
                   "--evaluate_every_steps=6"};
    if (model == "minet") words.push_back("--source_dataset=other.h5");
    return words;
  }
  static Words Tune(const Words& more) {
    return Words{"tune",           "--dataset=data.h5", "--checkpoint=base", "--output=tuned",
                 "--max_steps=4",  "--batch_size=8",    "--progress=none",   "--threads=1",
                 "--local_ranks=2"} +
           more;
  }
  static Words Evaluate(const std::string& run, const std::string& output) {
    return {"evaluate", "--dataset=data.h5", "--checkpoint=" + run, "--output=" + output, "--threads=1"};
  }
  std::string Text(const std::string& file) const { return ReadWholeFile((folder_ / file).string()); }
  json Json(const std::string& file) const { return json::parse(Text(file)); }

  void ExpectRefused(const Words& words, int exit_code, const Words& parts) const {
    const ProgramResult result = RunPpr(words, folder_);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    for (const std::string& part : parts) EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_FALSE(FileExists((folder_ / "tuned/checkpoints").string()));
    EXPECT_FALSE(FileExists((folder_ / "evaluation/metrics.json").string()));
  }
};

// Two domains of the same users, the second one on demand; clicks follow a rule of user and domain.
class Competitors : public StageCommands {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    std::string profiles = "user_id,age,gender\n";
    for (int user = 0; user < 60; ++user) {
      const std::string gender = user % 7 == 0 ? "" : user % 2 == 0 ? "F" : "M";
      profiles += "u" + std::to_string(user) + "," + std::to_string(user % 3) + "," + gender + "\n";
    }
    Write("profiles.csv", profiles);
    PrepareDomain("data", 5, 60);
  }
  void PrepareOtherDomain() const { PrepareDomain("other", 11, 50); }
  void PrepareDomain(const std::string& name, int factor, int users) const {
    std::string clicks = "user_id,item_id,timestamp\n";
    for (int user = 0; user < users; ++user) {
      for (int click = 0; click < 4 + user % 6; ++click) {
        clicks += "u" + std::to_string(user) + "," + name + std::to_string((user * factor + click * 3) % 30) +
                  "," + std::to_string(click) + "\n";
      }
    }
    Write(name + ".csv", clicks);
    ExpectDone({"prepare", "--interactions=" + name + ".csv", "--users=profiles.csv", "--num_candidates=5",
                "--holdout_share=0.5", "--cold_train_share=0.5", "--cold_dev_share=0.25",
                "--output=" + name + ".h5"});
  }
  // A run that was limited to 4 steps and resumed to 9 ends with the files of one that was not.
  void ExpectSameWhenResumed(const std::string& model) const {
    ExpectDone(Pretrain("whole", model));
    ExpectDone(Pretrain("parted", model) + Words{"--max_steps=4"});
    ExpectDone(Pretrain("parted", model) + Words{"--resume"});
    for (const char* file : {"shared.h5", "shard_0000.h5", "shard_0001.h5"}) {
      const std::string path = std::string("/checkpoints/step_000000000009/") + file;
      EXPECT_EQ(Text("parted" + path), Text("whole" + path)) << path;
    }
  }
};

class EveryModel : public Competitors, public ::testing::WithParamInterface<const char*> {};

TEST_P(EveryModel, TrainsOnTwoRanksAndIsEvaluatedOnAnyNumber) {
  const std::string model = GetParam();
  const bool scores_pairs = model == "melu" || model == "minet";
  if (model == "minet") PrepareOtherDomain();
  ExpectDone(Pretrain("run", model) + Words{"--train_users=all", "--profile_model", "--task=joint"});
  EXPECT_TRUE(FileExists((folder_ / "run/checkpoints/step_000000000009/shard_0001.h5").string()));
  const json summary = Json("run/summary.json");
  EXPECT_EQ(summary["stage"], "pretrain");
  EXPECT_EQ(summary["steps"], 9);
  EXPECT_GT(summary["best_value"], 0);
  EXPECT_GT(summary["trained_parameters"], 8 * 30) << "item rows and more";
  const Words domain = model == "minet" ? Words{"--source_dataset=other.h5"} : Words{};
  ExpectDone(Evaluate("run", "one") + domain);
  ExpectDone(Evaluate("run", "three") + domain + Words{"--local_ranks=3"});
  EXPECT_EQ(Text("one/cases.tsv"), Text("three/cases.tsv"));
  const json metrics = Json("one/metrics.json");
  EXPECT_GT(metrics["stored_candidates"]["cases"], 20);
  // A pair scorer has no user vector to count the catalogue with.
  EXPECT_EQ(metrics.contains("full_catalogue"), !scores_pairs);
}
INSTANTIATE_TEST_SUITE_P(All, EveryModel,
                         ::testing::Values("cl4srec", "bert4rec", "gru4rec", "melu", "minet"),
                         [](const auto& model) { return std::string(model.param); });

TEST_F(Competitors, MeluResumesToTheSameBytes) { ExpectSameWhenResumed("melu"); }
TEST_F(Competitors, Bert4recResumesToTheSameBytes) { ExpectSameWhenResumed("bert4rec"); }

TEST_F(Competitors, ProfilesArePredictedFromAnEncoderOfEitherDirection) {
  for (const std::string model : {"sasrec", "bert4rec"}) {
    const std::string base = "base_" + model, tuned = "tuned_" + model, out = "out_" + model;
    ExpectDone(Pretrain(base, model));
    ExpectDone(Tune({"--checkpoint=" + base, "--output=" + tuned, "--task=profile", "--predict_field=gender",
                     "--contrastive_weight=0"}));
    EXPECT_THAT(Text(tuned + "/config.flags"), HasSubstr("predict_field=gender"));
    const std::string best = Text(tuned + "/checkpoints/BEST");
    const json manifest = Json(tuned + "/checkpoints/" + best.substr(0, best.find(' ')) + "/manifest.json");
    EXPECT_EQ(manifest["config"]["prompt"]["fields"], json::array({"age"})) << "the prompt tells the answer";
    ExpectDone(Evaluate(tuned, out) + Words{"--local_ranks=2"});
    const json metrics = Json(out + "/metrics.json");
    EXPECT_EQ(metrics["task"], "profile");
    EXPECT_EQ(metrics["part"], "cold_test");
    EXPECT_EQ(metrics["field"], "gender");
    std::istringstream lines(Text(out + "/predictions.tsv"));
    std::string user, label, predicted;
    std::getline(lines, user);
    EXPECT_EQ(user, "user\tlabel\tpredicted");
    int cases = 0, right = 0;
    while (std::getline(lines, user, '\t') && std::getline(lines, label, '\t') &&
           std::getline(lines, predicted)) {
      const int number = std::stoi(user.substr(1));
      EXPECT_EQ(label, number % 2 == 0 ? "F" : "M") << user;
      EXPECT_NE(number % 7, 0) << user << " has no value";
      EXPECT_THAT(predicted, ::testing::AnyOf("F", "M"));
      ++cases;
      right += label == predicted;
    }
    EXPECT_GT(cases, 2);
    EXPECT_EQ(metrics["profile"]["cases"], cases);
    EXPECT_DOUBLE_EQ(metrics["profile"]["acc"], static_cast<double>(right) / cases);
  }
}

TEST_F(Competitors, TuningTakesEveryBackboneAndPrompt) {
  for (const std::string model : {"cl4srec", "bert4rec", "gru4rec"}) {
    ExpectDone(Pretrain("base_" + model, model));
    ExpectDone(Tune({"--checkpoint=base_" + model, "--output=tuned_" + model, "--task=joint", "--shots=2"}));
    ExpectDone(Evaluate("tuned_" + model, "out_" + model) + Words{"--shots=2"});
    EXPECT_GT(Json("out_" + model + "/metrics.json")["stored_candidates"]["cases"], 10);
  }
  ExpectRefused(Tune({"--checkpoint=base_gru4rec", "--prompt_tokens=2"}), 64,
                {"--prompt_tokens: expected 1 with a GRU", "found 2"});
  ExpectRefused(Tune({"--checkpoint=base_cl4srec", "--task=profile", "--predict_field=gender",
                      "--profile_fields=age,gender"}),
                64, {"--profile_fields", "fields without the one to predict"});
  ExpectDone(Tune({"--checkpoint=base_cl4srec", "--output=shared", "--prompt=shared", "--prompt_tokens=3"}));
  EXPECT_EQ(Json("shared/summary.json")["generator_parameters"], 3 * 8);
  ExpectDone(Evaluate("shared", "out_shared"));
}

TEST_F(Competitors, UserVectorsOfAnotherDomainArePrompts) {
  PrepareOtherDomain();
  ExpectDone(Pretrain("base", "sasrec") + Words{"--dataset=other.h5"});
  ExpectDone(Tune({"--source_dataset=other.h5"}));
  // Evaluation needs the target domain alone: the vectors are part of the checkpoint.
  ExpectDone(Evaluate("tuned", "one"));
  ExpectDone(Evaluate("tuned", "three") + Words{"--local_ranks=3"});
  EXPECT_EQ(Text("one/cases.tsv"), Text("three/cases.tsv"));
  ExpectDone(Tune({"--source_dataset=other.h5", "--method=fine_tune", "--output=no_prompt"}));
  ExpectDone(Evaluate("no_prompt", "out"));
}

TEST_F(StageCommands, SettingsThatDoNotGoTogetherAreRefused) {
  ExpectRefused(Pretrain("tuned", "bert4rec") + Words{"--attention=causal"}, 64,
                {"--attention (command line): expected bidirectional, for bert4rec, found causal"});
  ExpectRefused(Pretrain("tuned", "sasrec") + Words{"--attention=bidirectional"}, 64,
                {"--attention (command line): expected causal", "found bidirectional"});
  ExpectRefused(Pretrain("tuned", "gru4rec") + Words{"--backbone=transformer"}, 64,
                {"expected gru, for gru4rec"});
  ExpectRefused(Pretrain("tuned", "sasrec") + Words{"--source_dataset=other.h5"}, 64,
                {"--source_dataset (command line): expected nothing unless --model=minet"});
  ExpectRefused(Pretrain("tuned", "melu") + Words{"--negatives=2", "--loss=softmax"}, 64,
                {"--negatives (command line): expected 1 for melu",
                 "--loss (command line): expected bpr or bce for melu"});
  ExpectRefused(Pretrain("tuned", "bert5rec"), 64, {"bert5rec", "did you mean bert4rec?"});
  ExpectRefused(
      Tune({"--method=ppr_light", "--source_dataset=other.h5"}), 64,
      {"--method (command line): expected ppr_full or fine_tune across domains", "found ppr_light"});
  ExpectRefused(Tune({"--source_dataset=other.h5", "--prompt_tokens=3"}), 64,
                {"--prompt_tokens (command line): expected 1 across domains", "found 3"});
  ExpectRefused(Tune({"--task=profile"}), 64,
                {"--predict_field (default): expected the profile field to predict"});
  ExpectRefused(Tune({"--predict_field=gender"}), 64,
                {"--predict_field (command line): expected nothing unless --task=profile"});
}

TEST_F(Competitors, CheckpointsAndFieldsThatDoNotServeAreRefused) {
  ExpectDone(Pretrain("base", "sasrec"));
  ExpectRefused(
      Tune({"--task=profile", "--predict_field=gendr"}), 64,
      {"predict_field: expected a profile field of data.h5, found \"gendr\"", "did you mean gender?"});
  ExpectRefused(Tune({"--views=prompt", "--prompt=shared"}), 64,
                {"--views (command line): expected behaviour for a shared prompt"});
  ExpectDone(Pretrain("melu", "melu"));
  ExpectRefused(Tune({"--checkpoint=melu"}), 65, {"expected a sequence model to tune, found melu"});
  PrepareOtherDomain();
  ExpectRefused(Evaluate("base", "evaluation") + Words{"--source_dataset=other.h5"}, 64,
                {"source_dataset: expected nothing", "of sasrec", "found other.h5"});
  ExpectDone(Pretrain("minet", "minet"));
  ExpectRefused(Evaluate("minet", "evaluation"), 64,
                {"source_dataset: expected the other domain's dataset.h5"});
  ExpectRefused(Evaluate("minet", "evaluation") + Words{"--source_dataset=data.h5"}, 65,
                {"was made with the other domain's dataset of digest", "data.h5"});
}

}  // namespace
}  // namespace ppr::e2e
