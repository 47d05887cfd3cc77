// The rules about includes and rooms, on small trees with a known answer; and what names a file declares and
// uses.
#include "include_rules.h"

#include <gmock/gmock.h>

#include "declarations.h"
#include "source_tokens.h"

namespace ppr::architecture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::set<std::string> Declared(const std::string& text) { return DeclarationsOf(TokensOf(text)).names; }

std::vector<std::string> Functions(const std::string& text) {
  std::vector<std::string> functions;
  for (const Function& function : DeclarationsOf(TokensOf(text)).functions) {
    functions.push_back(function.name + ":" + std::to_string(function.first_line) + "-" +
                        std::to_string(function.last_line));
  }
  return functions;
}

// The breaches of a file that includes a header of this text.
std::vector<std::string> Unused(const std::string& header, const std::string& source) {
  return UnusedIncludes({MakeSourceFile("src/a/header.h", header),
                         MakeSourceFile("src/b/source.cc", "#include \"a/header.h\"\n" + source)});
}

TEST(Tokens, CommentsAndLiteralsHoldNoNames) {
  const Tokens tokens = TokensOf(
      "// one two\n/* three\n */ int four = 1'000; char five = '\\''; auto six = \"seven \\\" eight\";\n"
      "auto nine = R\"x(ten \" )\" eleven)x\";\n");
  EXPECT_THAT(tokens.names, UnorderedElementsAre("int", "four", "char", "five", "auto", "six", "nine"));
  EXPECT_EQ(tokens.program.front().line, 3);
  EXPECT_EQ(tokens.program.back().line, 4);
}

TEST(Tokens, IncludesAreNoUseButMacrosAre) {
  const Tokens tokens = TokensOf(
      "#include \"one/two.h\"\n#if defined(THREE)\n#define FOUR(x) \\\n  Five(x)\n#endif\nint six;\n");
  EXPECT_THAT(tokens.names, UnorderedElementsAre("defined", "THREE", "x", "Five", "int", "six"));
  ASSERT_EQ(tokens.macros.size(), 1u);
  EXPECT_EQ(tokens.macros[0].text, "FOUR");
}

TEST(Declarations, NamesOfEachKind) {
  EXPECT_THAT(Declared("class A : public B<int> { int member; void Method(); };"), ElementsAre("A"));
  EXPECT_THAT(Declared("struct alignas(64) A final { int member = 1; };"), ElementsAre("A"));
  EXPECT_THAT(Declared("enum class A : int { kOne };"), ElementsAre("A"));
  EXPECT_THAT(Declared("enum A { kOne, kTwo = 3 };"), UnorderedElementsAre("A", "kOne", "kTwo"));
  EXPECT_THAT(Declared("using A = std::map<int, B>;"), ElementsAre("A"));
  EXPECT_THAT(Declared("using a::B;"), ElementsAre("B"));
  EXPECT_THAT(Declared("std::vector<int> Make(const B& b, int c = 1);"), ElementsAre("Make"));
  EXPECT_THAT(Declared("[[noreturn]] void Throw(int line);"), ElementsAre("Throw"));
  EXPECT_THAT(Declared("template <typename T, int n = (1 > 0)>\nT Make() { return T(); }"),
              ElementsAre("Make"));
  EXPECT_THAT(Declared("inline constexpr int kA = 1, kB[] = {2, 3};"), UnorderedElementsAre("kA", "kB"));
  EXPECT_THAT(Declared("extern std::atomic<int> counter;"), ElementsAre("counter"));
  EXPECT_THAT(Declared("#define PPR_A(x) x\n"), ElementsAre("PPR_A"));
  EXPECT_THAT(Declared("namespace a::b { namespace { int hidden; } int shown; }"), ElementsAre("shown"));
  EXPECT_THAT(Declared("class A;\nstruct B;\nstatic_assert(sizeof(int) == 4);"), IsEmpty());
}

TEST(Declarations, FunctionsWithTheirLines) {
  EXPECT_THAT(Functions("int A() { return 1; }\n"), ElementsAre("A:1-1"));
  EXPECT_THAT(Functions("int A();\nint B = 1;\nint C[] = {\n 1};\n"), IsEmpty());
  EXPECT_THAT(Functions("void A::B(int x)\n    const {\n  if (x) {\n  }\n}\n"), ElementsAre("B:1-5"));
  EXPECT_THAT(Functions("A::A(int x)\n    : b_{x}, c_(x) {\n}\n"), ElementsAre("A:1-3"));
  EXPECT_THAT(Functions("class A {\n public:\n  int b() const { return b_; }\n  int b_ = 0;\n};\n"),
              ElementsAre("b:3-3"));
  EXPECT_THAT(Functions("bool operator<(A a, B b) {\n return true; }\n"), ElementsAre("operator:1-2"));
  EXPECT_THAT(Functions("const auto kA = [](int x) {\n return x; };\n"), IsEmpty());
}

TEST(UnusedIncludes, AHeaderOfWhichNothingIsUsed) {
  EXPECT_THAT(Unused("struct A {};", "int b;"),
              ElementsAre(HasSubstr("src/b/source.cc:1: uses nothing that a/header.h declares")));
  EXPECT_THAT(Unused("struct A {};", "// A is not A.\nconst char* b = \"A\";"), testing::SizeIs(1));
  EXPECT_THAT(Unused("struct A { int size; };", "int size;"), testing::SizeIs(1));
  EXPECT_THAT(Unused("struct A;\nstruct B {};", "A* a;"), testing::SizeIs(1));
}

TEST(UnusedIncludes, OneNameOfItIsEnough) {
  EXPECT_THAT(Unused("struct A {}; struct B {};", "B b;"), IsEmpty());
  EXPECT_THAT(Unused("int Make(int x);", "int b = Make(1);"), IsEmpty());
  EXPECT_THAT(Unused("#define PPR_CHECK(x) x\n", "int b = PPR_CHECK(1);"), IsEmpty());
  EXPECT_THAT(Unused("int Make(int x);", "#define B Make(1)\n"), IsEmpty());
}

TEST(UnusedIncludes, OwnHeadersAndExcusedOnesPass) {
  EXPECT_THAT(UnusedIncludes({MakeSourceFile("src/a/x.h", "struct A {};"),
                              MakeSourceFile("src/a/x.cc", "#include \"a/x.h\"\n")}),
              IsEmpty());
  EXPECT_THAT(UnusedIncludes({MakeSourceFile("src/a/x.h", "struct A {};"),
                              MakeSourceFile("src/b/y.cc", "#include \"a/x.h\"  // for operator==\n")}),
              IsEmpty());
}

TEST(UnusedIncludes, TestsIncludeByFolderOrFromTheRoot) {
  EXPECT_THAT(UnusedIncludes({MakeSourceFile("tests/unit/a/x.h", "struct A {};"),
                              MakeSourceFile("tests/support/y.h", "struct B {};"),
                              MakeSourceFile("tests/unit/a/z_test.cc",
                                             "#include \"x.h\"\n"
                                             "#include \"support/y.h\"\nint c;")}),
              ElementsAre(HasSubstr("z_test.cc:1"), HasSubstr("z_test.cc:2")));
}

TEST(RoomCircles, AreFoundThroughOtherRooms) {
  const std::vector<SourceFile> files = {MakeSourceFile("src/dist/x.cc", "#include \"model/y.h\"\n"),
                                         MakeSourceFile("src/model/y.h", "#include \"optim/z.h\"\n"),
                                         MakeSourceFile("src/optim/z.h", "#include \"dist/w.h\"\n")};
  EXPECT_THAT(RoomCircles(files), ElementsAre("dist -> model -> optim -> dist"));
  EXPECT_THAT(RoomCircles({files[0], files[1]}), IsEmpty());
}

TEST(LargeRooms, HoldMoreThanTheirShare) {
  const std::vector<SourceFile> files = {MakeSourceFile("src/dist/x.cc", std::string(30, '\n')),
                                         MakeSourceFile("src/model/y.h", std::string(70, '\n'))};
  EXPECT_THAT(LargeRooms(files, 0.5), ElementsAre(HasSubstr("src/model: 70 of 100 lines")));
  EXPECT_THAT(LargeRooms(files, 0.7), IsEmpty());
}

}  // namespace
}  // namespace ppr::architecture
