// The rules themselves: each finds the breach it is there for, and lets the rest pass.
#include "source_rules.h"

#include <gmock/gmock.h>

namespace ppr::architecture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Library(const std::string& path, const std::string& text) {
  return LibraryBreaches(MakeSourceFile(path, text));
}
std::vector<std::string> Arrow(const std::string& path, const std::string& text) {
  return ArrowBreaches(MakeSourceFile(path, text));
}
std::vector<std::string> Long(const std::string& path, const std::string& text) {
  return LongFiles(MakeSourceFile(path, text));
}
std::vector<std::string> Form(const std::string& path, const std::string& text) {
  return FormBreaches(MakeSourceFile(path, text));
}

TEST(SourceRules, LibrariesStayInTheirRooms) {
  EXPECT_THAT(Library("src/train/x.cc", "\n#include <mpi.h>\n"),
              ElementsAre(HasSubstr("src/train/x.cc:2: <mpi.h>")));
  EXPECT_THAT(Library("src/dist/mpi/mpi_session.h", "#include <mpi.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/cli/x.cc", "#include \"dist/mpi/mpi_check.h\"\n"), SizeIs(1));
  EXPECT_THAT(Library("src/cli/x.cc", "#include \"dist/mpi/mpi_session.h\"\n"), IsEmpty());
  EXPECT_THAT(Library("src/dist/mpi/x.cc", "#include <mpi.h>\n"), IsEmpty());
  EXPECT_THAT(Library("src/model/x.cc", "#include <hdf5.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/data/dataset.h", "#include <H5Ipublic.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/data/dataset.cc", "#include <hdf5.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/hdf5/hdf5_handles.h", "#include <hdf5.h>\n"), IsEmpty());
  EXPECT_THAT(Library("src/checkpoint/read.cc", "#include \"hdf5/hdf5_handles.h\"\n"), IsEmpty());
  EXPECT_THAT(Library("src/checkpoint/read.h", "#include \"hdf5/hdf5_handles.h\"\n"), SizeIs(1));
  EXPECT_THAT(Library("src/train/x.cc", "#include <arrow/api.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/train/x.cc", "#include <gflags/gflags.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/cli/x.h", "#include <gflags/gflags.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/train/x.cc", "#include <glog/logging.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/train/x.h", "#include <nlohmann/json.hpp>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/train/x.cc", "#include <torch/torch.h>\n"), SizeIs(1));
  EXPECT_THAT(Library("src/train/x.h", "#include <ATen/ATen.h>\n"), SizeIs(1));
}

TEST(SourceRules, LoggingComesLastAndOnlyInSources) {
  EXPECT_THAT(Library("src/train/x.cc", "#include <vector>\n#include \"base/logging.h\"\n"), IsEmpty());
  EXPECT_THAT(Library("src/train/x.cc", "#include \"base/logging.h\"\n#include <vector>\n"),
              ElementsAre(HasSubstr("last")));
  EXPECT_THAT(Library("src/train/x.h", "#include \"base/logging.h\"\n"), SizeIs(1));
}

TEST(SourceRules, ArrowsPointOneWay) {
  EXPECT_THAT(Arrow("src/data/x.cc", "#include \"dist/communicator.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/dist/x.cc", "#include \"data/dataset.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/base/x.cc", "#include \"cli/flag_set.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/model/x.cc", "#include \"train/adam.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/train/x.cc", "#include \"dist/mpi/mpi_session.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/report/x.cc", "#include \"train/metrics.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/train/x.cc", "#include \"report/results.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/train/x.cc", "#include \"experiment/experiment.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/experiment/x.cc", "#include \"model/encoder.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/experiment/x.cc", "#include \"evaluation/metrics.h\"\n"), IsEmpty());
  EXPECT_THAT(Arrow("src/experiment/x.cc", "#include \"train/objective.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/optim/x.cc", "#include \"checkpoint/checkpoint.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/optim/x.cc", "#include \"checkpoint/state.h\"\n"), IsEmpty());
  EXPECT_THAT(Arrow("src/model/x.cc", "#include \"checkpoint/state.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/recommender/x.cc", "#include \"evaluation/ranking.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/cli/x.cc", "#include \"report/results.h\"\n"), IsEmpty());
  EXPECT_THAT(Arrow("src/cli/x.cc", "#include \"dist/mpi/mpi_session.h\"\n#include \"train/stages.h\"\n"),
              IsEmpty());
  EXPECT_THAT(Arrow("src/train/x.cc", "#include \"model/encoder.h\"\n#include \"data/dataset.h\"\n"),
              IsEmpty());
}

TEST(SourceRules, RoomsOfDataAreRooms) {
  EXPECT_EQ(RoomOf("data/input/row_filter.h"), "data/input");
  EXPECT_EQ(RoomOf("data/dataset.h"), "data");
  EXPECT_EQ(RoomOf("dist/mpi/mpi_session.h"), "dist");
  EXPECT_THAT(Arrow("src/data/input/x.cc", "#include \"data/prepare/prepare.h\"\n"),
              ElementsAre(HasSubstr("src/data/input must not see src/data/prepare")));
  EXPECT_THAT(Arrow("src/data/x.cc", "#include \"data/input/raw_layout.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/data/prepare/x.cc", "#include \"data/sources/sources.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/data/prepare/x.cc", "#include \"data/input/raw_layout.h\"\n"), IsEmpty());
  EXPECT_THAT(Arrow("src/train/x.cc", "#include \"data/prepare/prepare.h\"\n"), SizeIs(1));
  EXPECT_THAT(Arrow("src/attic/x.cc", ""), ElementsAre(HasSubstr("no room")));
}

TEST(SourceRules, FormIsChecked) {
  EXPECT_THAT(Form("src/a/x.h", "// Purpose.\n#pragma once\n"), IsEmpty());
  EXPECT_THAT(Form("src/a/x.h", "#pragma once\n"), ElementsAre(HasSubstr("purpose")));
  EXPECT_THAT(Form("src/a/x.h", "// Purpose.\n"), ElementsAre(HasSubstr("#pragma once")));
  EXPECT_THAT(Form("src/a/x.h", "// Purpose.\n#pragma once\nusing namespace std;\n"), SizeIs(1));
  EXPECT_THAT(Form("src/a/x.cc", "#pragma omp parallel\n"), SizeIs(1));
}

TEST(SourceRules, FilesAreShortOrSayWhyNot) {
  EXPECT_THAT(Long("src/a/x.cc", std::string(450, '\n')), IsEmpty());
  EXPECT_THAT(Long("src/a/x.cc", std::string(451, '\n')), ElementsAre(HasSubstr("450 lines")));
  std::string table = "// A table.\n// Longer than 450 lines: it is one.\n";
  table.append(451, '\n');
  EXPECT_THAT(Long("src/a/x.cc", table), IsEmpty());
  std::string late(451, '\n');
  late.append("// Longer than 450 lines: too late.\n");
  EXPECT_THAT(Long("src/a/x.cc", late), SizeIs(1));
}

TEST(SourceRules, FunctionsFitAScreen) {
  const auto function = [](int lines) {
    return "int A() {\n" + std::string(static_cast<size_t>(lines - 2), '\n') + "}\n";
  };
  EXPECT_THAT(LongFunctions(MakeSourceFile("src/a/x.cc", function(50) + function(50))), IsEmpty());
  EXPECT_THAT(LongFunctions(MakeSourceFile("src/a/x.cc", "\n" + function(51))),
              ElementsAre(HasSubstr("src/a/x.cc:2: A has 51 lines")));
}

TEST(SourceRules, UnbuiltFilesAreFound) {
  const std::vector<SourceFile> files = {
      MakeSourceFile("tests/a/CMakeLists.txt", "SOURCES one_test.cc sub/two_test.cc"),
      MakeSourceFile("tests/a/one_test.cc", ""), MakeSourceFile("tests/a/sub/two_test.cc", ""),
      MakeSourceFile("tests/a/three_test.cc", "")};
  EXPECT_THAT(UnbuiltFiles(files), ElementsAre(HasSubstr("tests/a/three_test.cc")));
}

}  // namespace
}  // namespace ppr::architecture
