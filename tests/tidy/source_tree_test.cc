// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/tidy/source_tree.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace edgetwin::tidy {
namespace {

std::string Code(std::string_view line) {
  return MakeSourceFile("twin/model/a.cc", line).code.at(0);
}

std::string Comment(std::string_view line) {
  return MakeSourceFile("twin/model/a.cc", line).comments.at(0);
}

TEST(SourceTreeTest, CommentsAreNoCode) {
  EXPECT_EQ(Code("int a;  // rand()"), "int a;           ");
  EXPECT_EQ(Code("int /* rand() */ a;"), "int              a;");
  EXPECT_EQ(Comment("int a;  // why"), "        // why");
}

TEST(SourceTreeTest, LiteralsAreNoCodeAndOpenNoComments) {
  EXPECT_EQ(Code(R"(f("a // \" b");)"), "f(\"" + std::string(9, ' ') + "\");");
  EXPECT_EQ(Code("f('\"'); g();  // x"), "f(' '); g();      ");
  EXPECT_EQ(Code("f(R\"(a \" // b)\"); g();"), "f(R" + std::string(12, ' ') + "); g();");
}

TEST(SourceTreeTest, DigitSeparatorsOpenNoLiteral) {
  EXPECT_EQ(Code("int a = 1'000'000;  // many"), "int a = 1'000'000;         ");
}

TEST(SourceTreeTest, BlockCommentsSpanLines) {
  const SourceFile file = MakeSourceFile("twin/model/a.h", "/* one\n two */ int a;\n");
  EXPECT_EQ(file.code.at(1), "        int a;");
  EXPECT_EQ(file.comments.at(0), "/* one");
}

TEST(SourceTreeTest, IncludesKeepTheirTargetAndLine) {
  const SourceFile file = MakeSourceFile(
      "twin/model/a.cc", "// #include \"no.h\"\n#include <map>  // why\n#include \"twin/a.h\"\n");
  const std::vector<Include> includes = file.includes();
  ASSERT_EQ(includes.size(), 2u);
  EXPECT_EQ(includes[0].target, "map");
  EXPECT_EQ(includes[1].target, "twin/a.h");
  EXPECT_EQ(includes[1].line, 3);
}

TEST(SourceTreeTest, ScriptsAreKnownByTheirFirstLine) {
  EXPECT_EQ(MakeSourceFile("run", "#!/usr/bin/env bash\n").kind, Kind::kShell);
  EXPECT_EQ(MakeSourceFile("run", "plain text\n").kind, Kind::kOther);
}

TEST(SourceTreeTest, TestsAreKnownByFolderAndName) {
  EXPECT_TRUE(IsTestPath("tests/sim/world.cc"));
  EXPECT_TRUE(IsTestPath("twin/model/row_test.cc"));
  EXPECT_TRUE(IsTestPath("twin/model/testing/rows.h"));
  EXPECT_TRUE(IsTestPath("twin/model/row_test_base.h"));
  EXPECT_FALSE(IsTestPath("twin/model/row.cc"));
  EXPECT_FALSE(IsTestPath("twin/model/testament.cc"));
}

TEST(SourceTreeTest, WithoutGitTheFoldersAreWalkedButNotTheBuildTree) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(testing::TempDir()) / ("tidy-walk-" + std::to_string(getpid()));
  fs::create_directories(root / "build/dev");
  fs::create_directories(root / "twin/model");
  std::ofstream(root / "build/dev/generated.cc") << "int a;\n";
  std::ofstream(root / "twin/model/row.cc") << "int a;\n";
  const Tree tree = LoadTree(root);
  fs::remove_all(root);
  ASSERT_EQ(tree.size(), 1u);
  EXPECT_EQ(tree[0].path, "twin/model/row.cc");
}

}  // namespace
}  // namespace edgetwin::tidy
