// dataset.h5: what is written is what is read, the same bytes each time, and nothing damaged is read as if it
// were good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <functional>

#include "base/digest.h"
#include "base/errors.h"
#include "base/random.h"
#include "data/dataset.h"
#include "support/synthetic_dataset.h"
#include "support/temporary_folder.h"

namespace ppr::data {
namespace {

using test::MakeSyntheticDataset;
using test::TemporaryFolder;
using ::testing::HasSubstr;

Dataset Sample() {
  Dataset dataset = MakeSyntheticDataset();
  dataset.cases.seed = 0xFFFFFFFFFFFFFFFFULL;
  dataset.user_ids[1] = std::string("caf\xC3\xA9\0\n\xFF", 8);  // ids are bytes
  dataset.provenance_json = "{\"a\": 1}";
  return dataset;
}

void ExpectEqual(const Dataset& a, const Dataset& b) {
  EXPECT_EQ(a.protocol, b.protocol);
  EXPECT_EQ(a.offsets, b.offsets);
  EXPECT_EQ(a.items, b.items);
  EXPECT_EQ(a.times, b.times);
  EXPECT_EQ(a.train_length, b.train_length);
  EXPECT_EQ(a.user_part, b.user_part);
  ASSERT_EQ(a.num_fields(), b.num_fields());
  for (int64_t field = 0; field < a.num_fields(); ++field) {
    EXPECT_EQ(a.fields[field].name, b.fields[field].name);
    EXPECT_EQ(a.fields[field].values, b.fields[field].values);
  }
  EXPECT_EQ(a.profiles, b.profiles);
  EXPECT_EQ(a.user_ids, b.user_ids);
  EXPECT_EQ(a.item_ids, b.item_ids);
  EXPECT_EQ(a.cases.part, b.cases.part);
  EXPECT_EQ(a.cases.user, b.cases.user);
  EXPECT_EQ(a.cases.position, b.cases.position);
  EXPECT_EQ(a.cases.candidates, b.cases.candidates);
  EXPECT_EQ(a.cases.num_candidates, b.cases.num_candidates);
  EXPECT_EQ(a.cases.seed, b.cases.seed);
  EXPECT_EQ(a.provenance_json, b.provenance_json);
}

TEST(DatasetFile, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const Dataset written = Sample();
  WriteDataset(path, written);
  const Dataset read = ReadDataset(path);
  ExpectEqual(written, read);
  EXPECT_EQ(read.path, path);
  EXPECT_EQ(read.digest, DigestOfFile(path));
  EXPECT_EQ(read.cases.digest.size(), 32u);
}

TEST(DatasetFile, HoldsNoProfilesAndNoCases) {
  const TemporaryFolder folder;
  Dataset written = Sample();
  written.fields.clear();
  written.profiles.clear();
  written.cases = {};
  WriteDataset(folder / "a.h5", written);
  ExpectEqual(written, ReadDataset(folder / "a.h5"));
}

TEST(DatasetFile, SameDatasetSameBytes) {
  const TemporaryFolder folder;
  WriteDataset(folder / "a.h5", Sample());
  Dataset read = ReadDataset(folder / "a.h5");
  ::sleep(1);  // time stamps, if there were any, would differ
  WriteDataset(folder / "b.h5", read);
  EXPECT_TRUE(test::BytesOfFile(folder / "a.h5") == test::BytesOfFile(folder / "b.h5"));
}

// Every array is under a digest and the metadata under HDF5's checksums: a flipped bit is refused, or lies
// where nothing is stored.
TEST(DatasetFile, FlippedBitsAreNeverReadAsData) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const Dataset written = Sample();
  WriteDataset(path, written);
  const std::string good = test::BytesOfFile(path);
  const RandomKey key = MakeRandomKey(3, RandomSite::kTest);
  int refused = 0;
  for (uint64_t trial = 0; trial < 400; ++trial) {
    std::string bad = good;
    bad[key.Below(good.size(), trial)] ^= static_cast<char>(1 << key.Below(8, trial + 1'000'000));
    test::WriteBytes(path, bad);
    try {
      ExpectEqual(written, ReadDataset(path));
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 200);  // most of the file is data
}

TEST(DatasetFile, CutFilesAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  WriteDataset(path, Sample());
  const std::string good = test::BytesOfFile(path);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, good.size() / 2, good.size() - 1}) {
    test::WriteBytes(path, good.substr(0, size));
    EXPECT_THROW(ReadDataset(path), DataError) << size;
  }
}

TEST(DatasetFile, MissingAndForeignFilesAreRefused) {
  const TemporaryFolder folder;
  EXPECT_THROW(ReadDataset(folder / "none.h5"), StorageError);
  test::WriteBytes(folder / "text.h5", "user_id,item_id\n1,2\n");
  EXPECT_THROW(ReadDataset(folder / "text.h5"), DataError);
  EXPECT_THROW(WriteDataset(folder / "no_such_folder/a.h5", Sample()), StorageError);
}

struct BrokenCase {
  std::string name;
  std::function<void(Dataset*)> break_it;
  std::string message;
};

TEST(DatasetFile, RefusesWhatCannotBe) {
  const std::vector<BrokenCase> cases = {
      {"item id 0", [](Dataset* d) { d->items[5] = 0; },
       "/history/items[5]: expected an item id in 1..40, found 0"},
      {"item id above V", [](Dataset* d) { d->items[0] = 41; }, "/history/items[0]"},
      {"falling offset", [](Dataset* d) { d->offsets[2] = 0; }, "/history/offsets[2]"},
      {"first offset", [](Dataset* d) { d->offsets[0] = 1; }, "/history/offsets"},
      {"falling time", [](Dataset* d) { d->times[d->offsets[1] + 1] = -5; }, "/history/times["},
      {"train_length too long", [](Dataset* d) { d->train_length[0] = 2; },
       "/users/train_length[0]: expected 0..1, found 2"},
      {"train_length negative", [](Dataset* d) { d->train_length[0] = -1; }, "/users/train_length[0]"},
      {"user part", [](Dataset* d) { d->user_part[3] = static_cast<UserPart>(4); },
       "/users/part[3]: expected 0..3, found 4"},
      {"code above vocabulary", [](Dataset* d) { d->profiles[3] = 4; },
       "/profiles/codes[1] city: expected a code in 0..3, found 4"},
      {"negative code", [](Dataset* d) { d->profiles[2] = -1; }, "/profiles/codes[1] age"},
      {"value 0 not empty", [](Dataset* d) { d->fields[0].values[0] = "x"; }, "/profiles/field_0000"},
      {"item 0 has a name", [](Dataset* d) { d->item_ids[0] = "x"; }, "/items/ids"},
      {"case user", [](Dataset* d) { d->cases.user[0] = 60; }, "/cases/user[0]: expected 0..59, found 60"},
      {"case inside training", [](Dataset* d) { d->cases.position[0] = 0; }, "/cases/position[0]"},
      {"case past the history", [](Dataset* d) { d->cases.position.back() = 99; }, "/cases/position["},
      {"case of the wrong part", [](Dataset* d) { d->cases.part[0] = CasePart::kColdTest; },
       "/cases/part[0]"},
      {"cases out of order",
       [](Dataset* d) {
         std::swap(d->cases.user[0], d->cases.user[1]);
         std::swap(d->cases.position[0], d->cases.position[1]);
       },
       "sorted by part"},
      {"candidate 0", [](Dataset* d) { d->cases.candidates[7] = 0; }, "/cases/candidates[7]"},
      {"users without clicks",
       [](Dataset* d) {
         d->items.resize(d->offsets[59]);
         d->times.resize(d->offsets[59]);
         d->offsets[60] = d->offsets[59];
       },
       "/history/offsets[60]"},
  };
  const TemporaryFolder folder;
  for (const BrokenCase& broken : cases) {
    Dataset dataset = Sample();
    broken.break_it(&dataset);
    try {
      WriteDataset(folder / "a.h5", dataset);
      ReadDataset(folder / "a.h5");
      ADD_FAILURE() << broken.name << " was read";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(broken.message)) << broken.name;
      EXPECT_THAT(error.what(), HasSubstr(folder / "a.h5")) << broken.name;
    } catch (const BugError& error) {
      // The writer itself refuses offsets that do not end at the last click.
      EXPECT_EQ(broken.name, "first offset") << error.what();
    }
  }
}

// A write that fails half-way leaves the older file as it was, and nothing beside it.
TEST(DatasetFile, FailedWriteKeepsTheOldFile) {
  const TemporaryFolder folder;
  WriteDataset(folder / "a.h5", Sample());
  const std::string good = test::BytesOfFile(folder / "a.h5");
  Dataset large = MakeSyntheticDataset({.users = 2000, .items = 200, .max_clicks = 100});
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  auto* const old_handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = old_limit;
  small.rlim_cur = 200'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(WriteDataset(folder / "a.h5", large), StorageError);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(test::BytesOfFile(folder / "a.h5") == good);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.h5.tmp"));
}

TEST(DatasetFile, H5pyReadsItWithoutUs) {
  if (std::system("python3 -c 'import h5py' 2>/dev/null") != 0) {
    GTEST_SKIP() << "h5py is not installed: nothing checked that Python can read dataset.h5";
  }
  const TemporaryFolder folder;
  const Dataset dataset = Sample();
  WriteDataset(folder / "a.h5", dataset);
  const std::string script = R"(
import h5py, sys
f = h5py.File(sys.argv[1], 'r')
assert f.attrs['format'] == 'ppr.dataset' and f.attrs['format_version'] == 1 and f.attrs['protocol'] == 'holdout'
o, items = f['history/offsets'][:], f['history/items'][:]
def texts(group):
    b, s = group['bytes'][:].tobytes(), group['offsets'][:]
    return [b[s[i]:s[i + 1]] for i in range(len(s) - 1)]
users, names = texts(f['users/ids']), texts(f['items/ids'])
assert len(users) == len(o) - 1 == f['users/train_length'].shape[0] == f['profiles/codes'].shape[0]
field = f['profiles/field_0001']
assert field.attrs['name'] == 'city' and texts(field) == [b'', b'a', b'b', b'c']
assert users[1] == b'caf\xc3\xa9\x00\n\xff' and names[0] == b'' and names[40] == b'i40'
assert f['cases'].attrs['seed'] == 2**64 - 1
print(users[2].decode(), *[names[i].decode() for i in items[o[2]:o[3]]], *f['cases/candidates'][3])
)";
  test::WriteBytes(folder / "read.py", script);
  ASSERT_EQ(
      std::system(
          ("python3 " + (folder / "read.py") + " " + (folder / "a.h5") + " > " + (folder / "out")).c_str()),
      0);
  std::string expected = "u2";
  for (const int32_t item : dataset.history(2)) expected += " i" + std::to_string(item);
  for (const int32_t item : dataset.cases.candidates_of(3)) expected += " " + std::to_string(item);
  EXPECT_EQ(test::BytesOfFile(folder / "out"), expected + "\n");
}

}  // namespace
}  // namespace ppr::data
