// The manifest's strict schema: what is not exactly as we would have written it is refused by name.
#include "checkpoint/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/errors.h"

namespace ppr::checkpoint {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// 5 items on 2 ranks: 3 and 2 rows.
Manifest Sample() {
  const std::string digest(32, 'a');
  const auto rows = [](int64_t n) {
    return std::vector<TensorRecord>{{"items/rows", "float32", {n, 4}}, {"items/last_step", "int64", {n}}};
  };
  return {.kind = "tune",
          .run_id = "r1",
          .step = 12,
          .world_size = 2,
          .owner_function = "affine-1",
          .num_items = 5,
          .config_json = R"({"b": [1, 2.5e-8], "a": {"nested": null}})",
          .progress_json = "{}",
          .dataset_digest = "dataset",
          .parent_digest = digest,
          .files = {{"shared.h5", 4096, digest, {{"dense/values", "float64", {10}}, {"scalar", "int64", {}}}},
                    {"shard_0000.h5", 2048, digest, rows(3)},
                    {"shard_0001.h5", 2048, digest, rows(2)}}};
}

// The sample with `change` applied, as our writer would have put it down: canonical and with the right
// digest.
std::string Resealed(const std::function<void(Json&)>& change) {
  Manifest sample = Sample();
  Json json = Json::parse(SealManifest(sample));
  json.erase("digest");
  change(json);
  const std::string rest = json.dump(2) + "\n";
  if (json.is_object()) json["digest"] = DigestOfBytes(rest.data(), rest.size());
  return json.dump(2) + "\n";
}

std::string Refusal(const std::string& text) {
  try {
    ParseManifest(text, "run/step");
  } catch (const DataError& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadData);
    EXPECT_THAT(error.what(), HasSubstr("run/step/manifest.json"));
    return error.what();
  }
  return "not refused";
}

TEST(Manifest, ComesBackAsItWas) {
  Manifest written = Sample();
  const std::string text = SealManifest(written);
  const Manifest read = ParseManifest(text, "run/step");
  EXPECT_EQ(read.digest, written.digest);
  EXPECT_EQ(read.kind, "tune");
  EXPECT_EQ(read.step, 12);
  EXPECT_EQ(read.files.size(), 3u);
  EXPECT_EQ(read.files[2].tensors[0].shape, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(read.config_json, R"({"a":{"nested":null},"b":[1,2.5e-08]})");
  Manifest again = read;
  EXPECT_EQ(SealManifest(again), text);
}

TEST(Manifest, DigestCoversEveryField) {
  Manifest sample = Sample();
  SealManifest(sample);
  Manifest other = Sample();
  other.progress_json = R"({"x": 1})";
  SealManifest(other);
  EXPECT_NE(sample.digest, other.digest);
}

TEST(Manifest, RefusesEveryChangedByte) {
  Manifest sample = Sample();
  const std::string text = SealManifest(sample);
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char flipped :
         {static_cast<char>(text[i] ^ 1), static_cast<char>(text[i] ^ 0x80), '\0', ' ', '\n'}) {
      if (flipped == text[i]) continue;
      std::string altered = text;
      altered[i] = flipped;
      ASSERT_NE(Refusal(altered), "not refused") << "byte " << i << " set to " << int{flipped};
    }
    ASSERT_NE(Refusal(text.substr(0, i)), "not refused") << "cut to " << i;
  }
  EXPECT_NE(Refusal(text + "\n"), "not refused");
  EXPECT_NE(Refusal(text + text), "not refused");
}

struct SchemaCase {
  const char* name;
  std::function<void(Json&)> change;
  std::vector<std::string> parts;  // of the message
};

void PrintTo(const SchemaCase& schema_case, std::ostream* stream) { *stream << schema_case.name; }

class Schema : public testing::TestWithParam<SchemaCase> {};

TEST_P(Schema, IsRefusedByName) {
  const std::string message = Refusal(Resealed(GetParam().change));
  for (const std::string& part : GetParam().parts) EXPECT_THAT(message, HasSubstr(part));
}

Json& File(Json& json, int i) { return json["files"][i]; }

const std::vector<SchemaCase>& SchemaCases() {
  static const std::vector<SchemaCase> cases{
      {"NotAnObject", [](Json& j) { j = Json::array(); }, {"expected an object"}},
      {"OtherFormat",
       [](Json& j) { j["format"] = "orbax"; },
       {"\"format\"", "expected \"ppr.checkpoint\"", "\"orbax\""}},
      {"NewerVersion", [](Json& j) { j["version"] = 3; }, {"\"version\"", "1..2", "found 3"}},
      {"VersionText", [](Json& j) { j["version"] = "1"; }, {"\"version\"", "found \"1\""}},
      {"MissingStep", [](Json& j) { j.erase("step"); }, {"field \"step\" is missing"}},
      {"UnknownField",
       [](Json& j) { j["world_sizes"] = 2; },
       {"unknown field \"world_sizes\", did you mean world_size?"}},
      {"NegativeStep", [](Json& j) { j["step"] = -1; }, {"\"step\"", "expected an integer >= 0", "found -1"}},
      {"FractionalStep", [](Json& j) { j["step"] = 1.5; }, {"\"step\"", "found 1.5"}},
      {"OverflowingStep",
       [](Json& j) { j["step"] = uint64_t{1} << 63; },
       {"\"step\"", "9223372036854775808"}},
      {"NoRanks", [](Json& j) { j["world_size"] = 0; }, {"\"world_size\"", "found 0"}},
      {"OtherKind",
       [](Json& j) { j["kind"] = "train"; },
       {"\"kind\"", "\"pretrain\" or \"tune\"", "\"train\""}},
      {"OtherOwner",
       [](Json& j) { j["owner_function"] = "mod"; },
       {"\"owner_function\"", "\"affine-1\"", "\"mod\""}},
      {"NoItems", [](Json& j) { j["num_items"] = 0; }, {"\"num_items\"", "found 0"}},
      {"ConfigText", [](Json& j) { j["config"] = "{}"; }, {"\"config\"", "expected an object"}},
      {"ShortParent",
       [](Json& j) { j["parent_digest"] = "abc"; },
       {"\"parent_digest\"", "32 hexadecimal digits"}},
      {"FilesObject", [](Json& j) { j["files"] = Json::object(); }, {"\"files\"", "expected an array"}},
      {"OtherWorldSize", [](Json& j) { j["world_size"] = 3; }, {"\"files\"", "4 files", "found 3"}},
      {"SwappedFiles",
       [](Json& j) { std::swap(File(j, 1), File(j, 2)); },
       {"file shard_0000.h5", "\"shard_0000.h5\"", "\"shard_0001.h5\""}},
      {"PathInName",
       [](Json& j) { File(j, 0)["name"] = "../shared.h5"; },
       {"file shared.h5", "\"../shared.h5\""}},
      {"NegativeSize",
       [](Json& j) { File(j, 1)["size_bytes"] = -5; },
       {"shard_0000.h5", "\"size_bytes\"", "found -5"}},
      {"NoDigest", [](Json& j) { File(j, 1)["xxh3_128"] = ""; }, {"shard_0000.h5", "\"xxh3_128\""}},
      {"ExtraInFile",
       [](Json& j) { File(j, 1)["crc"] = 1; },
       {"file shard_0000.h5", "unknown field \"crc\""}},
      {"UnknownDtype",
       [](Json& j) { File(j, 0)["tensors"][0]["dtype"] = "float16"; },
       {"shared.h5", "\"dtype\"", "\"float16\""}},
      {"NegativeExtent",
       [](Json& j) { File(j, 0)["tensors"][0]["shape"][0] = -1; },
       {"\"shape\"", "found -1"}},
      {"HugeTensor",
       [](Json& j) {
         File(j, 0)["tensors"][0]["shape"] = {1 << 20, 1 << 20};
       },
       {"\"shape\"", "within the file's 4096 bytes"}},
      {"OverflowingTensor",
       [](Json& j) {
         File(j, 0)["tensors"][0]["shape"] = {int64_t{1} << 40, int64_t{1} << 40};
       },
       {"\"shape\"", "within the file's 4096 bytes"}},
      {"TwoOfAName",
       [](Json& j) { File(j, 0)["tensors"][1]["name"] = "dense/values"; },
       {"\"dense/values\" is named twice"}},
      {"ClimbingName",
       [](Json& j) { File(j, 0)["tensors"][0]["name"] = "a/../b"; },
       {"\"name\"", "\"a/../b\""}},
      {"MissingRow",
       [](Json& j) { File(j, 2)["tensors"][0]["shape"][0] = 3; },
       {"shard_0001.h5", "items/rows", "expected shape [2,4], found [3,4]"}},
      {"OtherWidth",
       [](Json& j) { File(j, 2)["tensors"][0]["shape"][1] = 5; },
       {"shard_0001.h5", "expected shape [2,4], found [2,5]"}},
      {"OtherRowDtype",
       [](Json& j) { File(j, 2)["tensors"][1]["dtype"] = "float64"; },
       {"items/last_step of int64", "of float64"}},
      {"FewerTensors",
       [](Json& j) { File(j, 2)["tensors"].erase(1); },
       {"shard_0001.h5", "2 tensors", "found 1"}},
      {"WrongItems",
       [](Json& j) { j["num_items"] = 6; },
       {"items/rows", "expected shape [3,4], found [2,4]"}},
      {"DeepConfig",
       [](Json& j) {
         for (int i = 0; i < 40; ++i) j["config"] = Json{{"x", j["config"]}};
       },
       {"32 levels of nesting"}},
  };
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, Schema, testing::ValuesIn(SchemaCases()),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Manifest, RefusesAFieldGivenTwice) {
  Manifest sample = Sample();
  std::string text = SealManifest(sample);
  text.insert(text.find("\"kind\""), "\"kind\": \"pretrain\",\n  ");
  EXPECT_THAT(Refusal(text), HasSubstr("field \"kind\" is given twice"));
}

TEST(Manifest, RefusesWhatIsNotJson) {
  EXPECT_THAT(Refusal(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(Refusal(std::string(4096, '\0')), HasSubstr("not valid JSON"));
  EXPECT_THAT(Refusal("{\"a\": \"\xff\xfe\"}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(Refusal("{\"a\": 1e999}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(Refusal(std::string(1 << 20, '[')), HasSubstr("levels of nesting"));
}

TEST(Manifest, OnlyObjectsAreConfig) {
  Manifest manifest = Sample();
  manifest.config_json = "[1]";
  EXPECT_THROW(SealManifest(manifest), BugError);
  manifest.config_json = "{";
  EXPECT_THROW(SealManifest(manifest), BugError);
}

TEST(TensorName, StaysInsideTheFile) {
  for (const char* good : {"a", "items/rows", "dense/m.1", "A-b_c/d/e"})
    EXPECT_TRUE(IsTensorName(good)) << good;
  for (const char* bad : {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "a\n", "größe"})
    EXPECT_FALSE(IsTensorName(bad)) << bad;
  EXPECT_FALSE(IsTensorName(std::string(257, 'a')));
}

}  // namespace
}  // namespace ppr::checkpoint
