// A damaged checkpoint is refused with exit code 65 and the name of the file, whatever byte was hit: never
// read wrong, never a crash.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/errors.h"
#include "base/random.h"
#include "checkpoint/checkpoint.h"
#include "support/checkpoint_sample.h"
#include "support/run_ranks.h"
#include "support/temporary_folder.h"

namespace ppr::checkpoint {
namespace {

namespace fs = std::filesystem;
using dist::Communicator;
using testing::HasSubstr;

constexpr int64_t kItems = 12;  // both shards of one size: only digests tell them apart
constexpr char kNotRefused[] = "not refused";

// A run with the checkpoints of steps 1 and 2, written at W = 2.
class Damage : public testing::Test {
 protected:
  void SetUp() override {
    test::RunRanks(2, [&](Communicator& communicator) {
      for (const int64_t step : {1, 2}) {
        WriteCheckpoint(communicator, run_.path(), test::SampleContents(communicator, kItems, step), {});
      }
    });
    ASSERT_EQ(Refusal(1), kNotRefused);
  }

  std::string File(const std::string& name) const {
    return name == "LATEST" ? run_ / "checkpoints/LATEST" : run_ / "checkpoints/step_000000000002/" + name;
  }

  // The message with which a reader of `world_size` ranks refuses LATEST, the same on all of them.
  std::string Refusal(int world_size) const {
    std::vector<std::string> messages(static_cast<size_t>(world_size), kNotRefused);
    test::RunRanks(world_size, [&](Communicator& communicator) {
      try {
        const StoredCheckpoint loaded =
            OpenCheckpoint(communicator, ResolveCheckpoint(communicator, run_.path(), "LATEST"));
        test::ExpectSample(loaded, communicator, kItems);
      } catch (const DataError& error) {
        EXPECT_EQ(error.code(), ExitCode::kBadData);
        messages[static_cast<size_t>(communicator.rank())] = error.what();
      }
    });
    for (const std::string& message : messages) EXPECT_EQ(message, messages[0]);
    return messages[0];
  }

  // Expects that `name` with these bytes is refused by name; puts the file back.
  void ExpectRefused(const std::string& name, const std::string& bytes, const std::string& what,
                     int world_size = 1) {
    const std::string good = test::BytesOfFile(File(name));
    ASSERT_NE(bytes, good);
    test::WriteBytes(File(name), bytes);
    EXPECT_THAT(Refusal(world_size), HasSubstr(name)) << what;
    test::WriteBytes(File(name), good);
  }

  const test::TemporaryFolder run_;
};

class DamagedFile : public Damage, public testing::WithParamInterface<const char*> {};

TEST_P(DamagedFile, EveryFlippedBitIsRefused) {
  const std::string good = test::BytesOfFile(File(GetParam()));
  // Every byte of the texts; of the HDF5 files every fifth, which visits all structures and all datasets.
  const size_t stride = std::string(GetParam()).ends_with(".h5") ? 5 : 1;
  for (size_t i = 0; i < good.size(); i += stride) {
    std::string altered = good;
    altered[i] = static_cast<char>(altered[i] ^ (1 << (MakeRandomKey(1, RandomSite::kTest).Below(8, i))));
    ExpectRefused(GetParam(), altered, "byte " + std::to_string(i));
  }
}

TEST_P(DamagedFile, OtherLengthsAndPagesAreRefused) {
  const std::string name = GetParam();
  const std::string good = test::BytesOfFile(File(name));
  for (const size_t length : {size_t{0}, size_t{1}, good.size() / 2, good.size() - 1}) {
    ExpectRefused(name, good.substr(0, length), "cut to " + std::to_string(length), 3);
  }
  ExpectRefused(name, good + '\0', "one byte more", 3);
  ExpectRefused(name, good + good, "twice", 3);
  const size_t page = std::min<size_t>(good.size() / 2, 512);
  for (size_t begin = 0; begin + page <= good.size(); begin += page) {
    for (const char fill : {'\0', '\xff'}) {
      std::string altered = good;
      altered.replace(begin, page, page, fill);
      if (altered != good) ExpectRefused(name, altered, "page at " + std::to_string(begin) + " filled");
    }
  }
}

TEST_P(DamagedFile, AbsenceAndOtherKindsOfFileAreRefused) {
  const std::string path = File(GetParam());
  const std::string aside = run_ / "aside";
  fs::rename(path, aside);
  EXPECT_THAT(Refusal(3), HasSubstr(GetParam())) << "absent";
  fs::create_directory(path);
  EXPECT_THAT(Refusal(3), HasSubstr(GetParam())) << "a folder";
  fs::remove(path);
  fs::create_symlink(path, path);
  EXPECT_THAT(Refusal(3), HasSubstr(GetParam())) << "a link to itself";
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(Refusal(3), HasSubstr(GetParam())) << "a pipe, which must not be waited for";
  fs::remove(path);
  fs::rename(aside, path);
  EXPECT_EQ(Refusal(3), kNotRefused);
}

INSTANTIATE_TEST_SUITE_P(Files, DamagedFile,
                         testing::Values("LATEST", "manifest.json", "shared.h5", "shard_0000.h5",
                                         "shard_0001.h5"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST_F(Damage, SwappedShardsAreRefused) {
  fs::rename(File("shard_0000.h5"), File("aside"));
  fs::rename(File("shard_0001.h5"), File("shard_0000.h5"));
  fs::rename(File("aside"), File("shard_0001.h5"));
  EXPECT_THAT(Refusal(1), HasSubstr("shard_0000.h5: expected digest"));
  EXPECT_THAT(Refusal(2), HasSubstr("shard_0001.h5: expected digest"));  // rank 0's share of the files
}

TEST_F(Damage, FilesOfAnotherStepAreRefused) {
  const fs::path other = run_ / "checkpoints/step_000000000001";
  for (const char* name : {"shared.h5", "shard_0000.h5"}) {
    const std::string bytes = test::BytesOfFile(other / name);
    ASSERT_EQ(bytes.size(), test::BytesOfFile(File(name)).size());  // only the digest can tell
    ExpectRefused(name, bytes, "of step 1", 2);
  }
  // A whole manifest with its files, under the name of another step.
  ExpectRefused(
      "LATEST",
      [&] {
        std::string line = test::BytesOfFile(File("LATEST"));
        line[line.find(' ') - 1] = '1';
        return line;
      }(),
      "names step 1 with the digest of step 2", 2);
  fs::remove_all(File(""));
  fs::copy(other, run_ / "checkpoints/step_000000000002", fs::copy_options::recursive);
  EXPECT_THAT(Refusal(2), HasSubstr("LATEST"));
  test::RunRanks(2, [&](Communicator& communicator) {
    std::string message;
    try {
      OpenCheckpoint(communicator, run_ / "checkpoints/step_000000000002");
    } catch (const DataError& error) {
      message = error.what();
    }
    EXPECT_THAT(message, HasSubstr("field \"step\": expected 2 as the folder's name says, found 1"));
  });
}

TEST_F(Damage, ExtraFilesAreRefused) {
  test::WriteBytes(File("shard_0002.h5"), "more");
  EXPECT_THAT(Refusal(2), HasSubstr("shard_0002.h5: is not in manifest.json"));
  fs::remove(File("shard_0002.h5"));
  test::WriteBytes(File(".nfs0001"), "the file system's own");
  EXPECT_EQ(Refusal(2), kNotRefused);
}

TEST_F(Damage, AHugeManifestIsRefusedUnread) {
  fs::resize_file(File("manifest.json"), uintmax_t{1} << 40);  // sparse
  EXPECT_THAT(Refusal(2), HasSubstr("manifest.json: expected at most 16777216 bytes, found 1099511627776"));
}

}  // namespace
}  // namespace ppr::checkpoint
