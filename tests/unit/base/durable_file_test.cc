// Durable files: the old contents survive every failure of a write, and errors name path and reason.
#include "base/durable_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/errors.h"

namespace ppr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DurableFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / ("ppr_durable_" + std::to_string(getpid()))).string();
    CreateFolder(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
};

// The message of the StorageError that `action` ends with.
template <typename Action>
std::string StorageMessage(Action action) {
  try {
    action();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.code(), ExitCode::kStorage);
    return error.what();
  }
  ADD_FAILURE() << "expected a StorageError";
  return "";
}

TEST_F(DurableFile, WritesReadsAndReplaces) {
  const std::string binary("a\0b\n", 4);
  WriteFileDurably(Path("file"), binary);
  EXPECT_EQ(ReadWholeFile(Path("file")), binary);
  WriteFileDurably(Path("file"), "");
  EXPECT_EQ(ReadWholeFile(Path("file")), "");
  EXPECT_FALSE(FileExists(Path("file.tmp"))) << "nothing is left beside it";
}

TEST_F(DurableFile, AFailedWriteKeepsTheOldContents) {
  WriteFileDurably(Path("file"), "old");
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 4096;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string message =
      StorageMessage([&] { WriteFileDurably(Path("file"), std::string(10000, 'n')); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_THAT(message, AllOf(HasSubstr("cannot write"), HasSubstr("file.tmp"), HasSubstr("File too large")));
  EXPECT_EQ(ReadWholeFile(Path("file")), "old");
  WriteFileDurably(Path("file"), "new");
  EXPECT_EQ(ReadWholeFile(Path("file")), "new") << "what the failure left beside it is in nobody's way";
}

TEST_F(DurableFile, AMissingFolderIsNamed) {
  EXPECT_THAT(
      StorageMessage([&] { WriteFileDurably(Path("none/file"), "x"); }),
      AllOf(HasSubstr("cannot create"), HasSubstr("none/file"), HasSubstr("No such file or directory")));
}

TEST_F(DurableFile, AFolderInThePlaceOfTheFileIsNamed) {
  CreateFolder(Path("file"));
  EXPECT_THAT(StorageMessage([&] { WriteFileDurably(Path("file"), "x"); }),
              AllOf(HasSubstr("cannot rename"), HasSubstr(Path("file"))));
}

TEST_F(DurableFile, ReadingNamesPathAndReason) {
  EXPECT_THAT(StorageMessage([&] { ReadWholeFile(Path("none")); }),
              AllOf(HasSubstr(Path("none")), HasSubstr("No such file")));
  EXPECT_THAT(StorageMessage([&] { ReadWholeFile(folder_); }), HasSubstr("Is a directory"));
  EXPECT_THAT(StorageMessage([&] { OpenForReading(Path("none")); }), HasSubstr("cannot open"));
}

TEST_F(DurableFile, FoldersAreMadeWithParentsAndOnce) {
  CreateFolder(Path("a/b/c"));
  CreateFolder(Path("a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(Path("a/b/c")));
  WriteFileDurably(Path("file"), "x");
  EXPECT_THAT(StorageMessage([&] { CreateFolder(Path("file/sub")); }), HasSubstr(Path("file/sub")));
}

TEST_F(DurableFile, RenameReplacesAndNamesBothPathsWhenItFails) {
  WriteFileDurably(Path("from"), "1");
  WriteFileDurably(Path("to"), "2");
  RenameDurably(Path("from"), Path("to"));
  EXPECT_EQ(ReadWholeFile(Path("to")), "1");
  EXPECT_THAT(StorageMessage([&] { RenameDurably(Path("from"), Path("to")); }),
              AllOf(HasSubstr(Path("from")), HasSubstr(Path("to"))));
}

TEST_F(DurableFile, SyncingWhatIsNotThereIsAnError) {
  EXPECT_THAT(StorageMessage([&] { SyncFile(Path("none")); }), HasSubstr("No such file"));
  WriteFileDurably(Path("file"), "x");
  EXPECT_THAT(StorageMessage([&] { SyncFolder(Path("file")); }), HasSubstr("Not a directory"));
}

TEST_F(DurableFile, DescriptorsAreClosedWithTheirOwner) {
  WriteFileDurably(Path("file"), "x");
  int descriptor = -1;
  {
    const FileDescriptor file = OpenForReading(Path("file"));
    descriptor = file.get();
    EXPECT_NE(fcntl(descriptor, F_GETFD), -1);
  }
  EXPECT_EQ(fcntl(descriptor, F_GETFD), -1);
}

}  // namespace
}  // namespace ppr
