// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "sync/codec/shapes.h"

namespace edgetwin::sync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct StepColumn {
  Signeds steps;
  Unsigneds runs;
};

StepColumn Written(std::vector<std::uint64_t> numbers, Inside inside) {
  StepColumn column;
  WriteSteps(numbers, inside, &column.steps, &column.runs);
  EXPECT_TRUE(CheckSteps("x", column.steps, column.runs, numbers.size()));
  StepReader reader(numbers.empty() ? 0 : numbers[0], column.steps, column.runs, inside);
  for (const std::uint64_t number : numbers) EXPECT_EQ(reader.Next(), number);
  return column;
}

TEST(StepsTest, OneRunTakesNothing) {
  const StepColumn counted = Written({7, 8, 9}, Inside::kCounted);
  EXPECT_THAT(counted.steps, IsEmpty());
  EXPECT_THAT(counted.runs, IsEmpty());
  EXPECT_THAT(Written({7, 7, 7}, Inside::kSame).steps, IsEmpty());
  EXPECT_THAT(Written({0, 0, 0}, Inside::kCounted).steps, IsEmpty());
}

TEST(StepsTest, FewRowsGoByRow) {
  const StepColumn column = Written({7, 9, 8, 8}, Inside::kCounted);
  EXPECT_THAT(column.steps, ElementsAre(2, -1, 0));
  EXPECT_THAT(column.runs, IsEmpty());
}

TEST(StepsTest, LongRunsGoByRun) {
  std::vector<std::uint64_t> numbers(40);
  std::iota(numbers.begin(), numbers.begin() + 20, 1);
  std::iota(numbers.begin() + 20, numbers.end(), 100);
  const StepColumn column = Written(numbers, Inside::kCounted);
  EXPECT_THAT(column.steps, ElementsAre(80));
  EXPECT_THAT(column.runs, ElementsAre(20u));
}

TEST(StepsTest, DifferencesWrapAround) {
  constexpr std::uint64_t kMax = ~std::uint64_t{0};
  Written({kMax, 0, kMax, kMax / 2, 1, kMax}, Inside::kSame);
  Written({kMax, 0, kMax, kMax / 2, 1, kMax}, Inside::kCounted);
}

TEST(CodesTest, TheLastRunIsLeftToTheRest) {
  const std::vector<std::uint8_t> codes = {1, 1, 0, 2, 2};
  Unsigneds runs;
  EXPECT_EQ(WriteCodes(codes, 2, &runs), 2);
  EXPECT_THAT(runs, ElementsAre(2u << 2 | 1u, 1u << 2 | 0u));
  EXPECT_TRUE(CheckCodes("x", runs, 2, 5));
  EXPECT_FALSE(CheckCodes("x", runs, 2, 2));
  CodeReader reader(runs, 2, 2);
  for (const std::uint8_t code : codes) EXPECT_EQ(reader.Next(), code);
}

std::vector<int> Decimals(std::vector<double> values) {
  std::vector<WireRow> rows(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) rows[i].row.value = model::Value(values[i]);
  std::vector<int> decimals;
  for (const ShapedValue& shaped : ChooseShapes(rows)) decimals.push_back(DecimalsOf(shaped.shape));
  return decimals;
}

TEST(ShapesTest, NeighboursShareDecimalsWhereThatIsShorter) {
  EXPECT_THAT(Decimals({20.5, 20.25, 21}), ElementsAre(2, 2, 2));
  EXPECT_THAT(Decimals({20.5, 20.125, 21}), ElementsAre(3, 3, 3));
}

TEST(ShapesTest, OnePreciseValueKeepsItsDecimalsToItself) {
  const std::vector<int> decimals = Decimals({64.01, 64.01, 0.123456789, 64.01, 64.01});
  EXPECT_THAT(decimals, ElementsAre(2, 2, 9, 2, 2));
}

TEST(ShapesTest, WhatNoIntegerGivesBackIsSentAsItIs) {
  EXPECT_THAT(Decimals({0.1 + 0.2}), ElementsAre(-1));
  EXPECT_THAT(Decimals({-0.0}), ElementsAre(-1));
  EXPECT_THAT(Decimals({9007199254740992.0}), ElementsAre(-1));
}

}  // namespace
}  // namespace edgetwin::sync
