// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The rules, over what this project tracks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tidy/rules.h"

namespace edgetwin::tidy {
namespace {

const Tree& Repository() {
  static const Tree kTree = LoadTree(EDGETWIN_SOURCE_DIR);
  return kTree;
}

testing::AssertionResult IsClean(const Findings& findings) {
  if (findings.empty()) return testing::AssertionSuccess();
  testing::AssertionResult result = testing::AssertionFailure();
  for (const Finding& finding : findings) result << '\n' << finding;
  return result;
}

TEST(TidyTest, TheRepositoryIsFound) {
  std::vector<std::string> paths;
  for (const SourceFile& file : Repository()) paths.push_back(file.path);
  EXPECT_THAT(paths, testing::IsSupersetOf({"CMakeLists.txt", "twin/base/result.h", "run-tests",
                                            "tests/tidy/repository_test.cc"}));
}

TEST(TidyTest, IncludesKeepToTheTableOfWhoMayIncludeWhom) {
  EXPECT_TRUE(IsClean(CheckLayers(Repository())));
}

TEST(TidyTest, LibrariesAreSeenOnlyByTheFoldersThatWrapThem) {
  EXPECT_TRUE(IsClean(CheckRestrictedHeaders(Repository())));
}

TEST(TidyTest, IncludesAreNamedFromTheRoot) {
  EXPECT_TRUE(IsClean(CheckRelativeIncludes(Repository())));
}

TEST(TidyTest, EveryHeaderIsIncluded) {
  EXPECT_TRUE(IsClean(CheckHeadersAreIncluded(Repository())));
}

TEST(TidyTest, NoLineIsWiderThanAHundredColumns) {
  EXPECT_TRUE(IsClean(CheckLineWidth(Repository())));
}

TEST(TidyTest, NoLineEndsInWhiteSpace) {
  EXPECT_TRUE(IsClean(CheckTrailingSpace(Repository())));
}

TEST(TidyTest, NoSourceHoldsATab) {
  EXPECT_TRUE(IsClean(CheckTabs(Repository())));
}

TEST(TidyTest, EverySourceNamesItsLicence) {
  EXPECT_TRUE(IsClean(CheckLicence(Repository())));
}

TEST(TidyTest, EveryHeaderIsReadOnce) {
  EXPECT_TRUE(IsClean(CheckPragmaOnce(Repository())));
}

TEST(TidyTest, EverySourceIsBuilt) {
  EXPECT_TRUE(IsClean(CheckSourcesAreBuilt(Repository())));
}

TEST(TidyTest, EverySchemaIsUsed) {
  EXPECT_TRUE(IsClean(CheckSchemasAreUsed(Repository())));
}

TEST(TidyTest, EveryRouteIsDescribed) {
  EXPECT_TRUE(IsClean(CheckRoutesAreDescribed(Repository())));
}

TEST(TidyTest, ProductCodeReadsNoClockAndRollsNoDice) {
  EXPECT_TRUE(IsClean(CheckClocksAndChance(Repository())));
}

TEST(TidyTest, ProductCodeNeverSleeps) {
  EXPECT_TRUE(IsClean(CheckSleeps(Repository())));
}

TEST(TidyTest, NamesSayWhatThingsAre) {
  EXPECT_TRUE(IsClean(CheckNames(Repository())));
}

TEST(TidyTest, WhatIsLeftToDoSaysWhy) {
  EXPECT_TRUE(IsClean(CheckTodos(Repository())));
}

}  // namespace
}  // namespace edgetwin::tidy
