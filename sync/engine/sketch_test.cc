// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/sketch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace edgetwin::sync {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

constexpr std::uint32_t kSalt = 7;
constexpr std::uint32_t kIndexMax = 4 * 100'000 + 3;

using Random = std::mt19937_64;

std::uint64_t RandomValue(Random& random) {
  return 1 + random() % (kSketchPrime - 1);
}

SketchVector RandomVector(Random& random, std::size_t n) {
  std::map<std::uint32_t, std::uint64_t> values;
  while (values.size() < n) {
    values[static_cast<std::uint32_t>(4 + random() % (kIndexMax - 3))] = RandomValue(random);
  }
  SketchVector vector;
  for (const auto& [index, value] : values) vector.push_back({index, value});
  return vector;
}

// The fewest cells from which the differences peel, a step of 1 % at a time.
std::size_t CellsNeeded(const SketchVector& difference, std::uint32_t salt) {
  std::size_t n = difference.size();
  while (!Peel(SketchCells(difference, salt, 0, n), salt, 4, kIndexMax).complete) n += 1 + n / 100;
  return n;
}

TEST(SketchTest, TellsExactlyWhereTwoVectorsDiffer) {
  Random random(1);
  SketchVector ours = RandomVector(random, 2'000);
  SketchVector theirs = ours;
  std::vector<std::uint32_t> different;
  for (std::size_t i = 0; i < ours.size(); i += 20) {  // Another value, and none on either side.
    different.push_back(ours[i].index);
    if (i % 3 == 0) {
      theirs[i].value = RandomValue(random);
    } else {
      (i % 3 == 1 ? ours : theirs)[i].value = 0;
    }
  }
  std::erase_if(ours, [](const SketchEntry& entry) { return entry.value == 0; });
  std::erase_if(theirs, [](const SketchEntry& entry) { return entry.value == 0; });

  std::vector<Cell> cells = SketchCells(theirs, kSalt, 0, 200);
  Subtract(cells, SketchCells(ours, kSalt, 0, 200));
  const Peeled peeled = Peel(cells, kSalt, 4, kIndexMax);
  EXPECT_TRUE(peeled.complete);
  EXPECT_EQ(peeled.indices, different);
}

TEST(SketchTest, EqualVectorsDifferNowhere) {
  const Peeled peeled = Peel(std::vector<Cell>(32), kSalt, 4, kIndexMax);
  EXPECT_TRUE(peeled.complete);
  EXPECT_THAT(peeled.indices, IsEmpty());
}

TEST(SketchTest, SaysThatThereAreTooFewCells) {
  Random random(2);
  const SketchVector vector = RandomVector(random, 100);
  EXPECT_FALSE(Peel(SketchCells(vector, kSalt, 0, 90), kSalt, 4, kIndexMax).complete);
}

TEST(SketchTest, NamesTheLargestIndexAndValue) {
  for (const std::uint32_t index : {4u, kIndexMax}) {
    for (const std::uint64_t value : {std::uint64_t{1}, kSketchPrime - 1}) {
      const Peeled peeled = Peel(SketchCells({{index, value}}, kSalt, 0, 3), kSalt, 4, kIndexMax);
      EXPECT_TRUE(peeled.complete);
      EXPECT_THAT(peeled.indices, ElementsAre(index));
    }
  }
}

TEST(SketchTest, NamesNothingOutOfRange) {
  EXPECT_FALSE(Peel(SketchCells({{3, 5}}, kSalt, 0, 8), kSalt, 4, kIndexMax).complete);
  EXPECT_FALSE(Peel(SketchCells({{kIndexMax + 1, 5}}, kSalt, 0, 8), kSalt, 4, kIndexMax).complete);
}

// Two equal differences have the sums of one that is twice as large and half-way between them.
TEST(SketchTest, IsNotMisledByACellThatLooksPure) {
  for (std::uint32_t salt = 0; salt < 50; ++salt) {
    const Peeled peeled =
        Peel(SketchCells({{1'000, 5}, {3'000, 5}}, salt, 0, 32), salt, 4, kIndexMax);
    EXPECT_TRUE(peeled.complete);
    EXPECT_THAT(peeled.indices, ElementsAre(1'000, 3'000));
  }
}

TEST(SketchTest, CellsAreTheSameInOnePieceAndInSeveral) {
  Random random(3);
  const SketchVector vector = RandomVector(random, 300);
  const std::vector<Cell> whole = SketchCells(vector, kSalt, 0, 100);
  std::vector<Cell> pieces = SketchCells(vector, kSalt, 0, 30);
  for (const Cell& cell : SketchCells(vector, kSalt, 30, 70)) pieces.push_back(cell);
  EXPECT_EQ(whole, pieces);
}

TEST(SketchTest, CellIHoldsAnIndexWithTheChanceOfOneIn1PlusHalfI) {
  constexpr std::uint32_t kIndices = 20'000;
  std::vector<int> held(100);
  for (std::uint32_t index = 0; index < kIndices; ++index) {
    for (CellWalk walk(index, kSalt); walk.cell() < held.size(); walk.Next()) ++held[walk.cell()];
  }
  for (std::size_t i = 0; i < held.size(); ++i) {
    const double expected = kIndices / (1 + static_cast<double>(i) / 2);
    EXPECT_NEAR(held[i], expected, 5 * std::sqrt(expected)) << i;
  }
}

TEST(SketchTest, AnotherSaltPutsIndicesIntoOtherCells) {
  CellWalk a(1'000, 1);
  CellWalk b(1'000, 2);
  bool same = true;
  for (int i = 0; i < 10; ++i, a.Next(), b.Next()) same &= a.cell() == b.cell();
  EXPECT_FALSE(same);
}

TEST(SketchTest, TakesAboutOneAndAHalfCellsADifference) {
  Random random(4);
  double sum = 0;
  constexpr int kTrials = 20;
  for (std::uint32_t salt = 0; salt < kTrials; ++salt) {
    sum += static_cast<double>(CellsNeeded(RandomVector(random, 400), salt)) / 400;
  }
  EXPECT_LT(sum / kTrials, 1.5);
}

TEST(SketchTest, EstimatesHowManyDifferFromTheEmptyCells) {
  Random random(5);
  for (const std::size_t d : {5u, 20u, 100u, 1'000u}) {
    const double estimate = EstimateDifference(SketchCells(RandomVector(random, d), kSalt, 0, d));
    EXPECT_NEAR(estimate, static_cast<double>(d), 0.4 * static_cast<double>(d) + 2) << d;
  }
}

TEST(SketchTest, EstimatesALowerBoundWhenNoCellIsEmpty) {
  Random random(6);
  const double estimate =
      EstimateDifference(SketchCells(RandomVector(random, 5'000), kSalt, 0, 32));
  EXPECT_GT(estimate, 32);
  EXPECT_LT(estimate, 5'000);
}

TEST(SketchTest, PackedCellsComeBack) {
  Random random(8);
  const std::vector<Cell> cells = SketchCells(RandomVector(random, 50), kSalt, 0, 40);
  const std::string bytes = PackCells(cells);
  EXPECT_THAT(bytes, SizeIs(40 * kCellBytes));
  EXPECT_EQ(UnpackCells(bytes), cells);
}

TEST(SketchTest, NumbersOfAHostilePeerAreReduced) {
  const std::vector<Cell> cells = UnpackCells(std::string(2 * kCellBytes + 3, '\xff'));
  EXPECT_THAT(cells, SizeIs(2));
  EXPECT_EQ(cells[0].sum, 86u);  // 2^40 - 1 - p.
  EXPECT_EQ(cells[0].weighted, 86u);
}

TEST(SketchTest, ArbitraryCellsNameOnlyIndicesInRangeAndNoMoreThanThereAreCells) {
  Random random(9);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<Cell> cells(100);
    for (Cell& cell : cells) {
      // Many look pure, so that much is peeled.
      cell.sum = RandomValue(random);
      cell.weighted = random() % 50 * cell.sum % kSketchPrime;
    }
    const Peeled peeled = Peel(cells, kSalt, 4, 43);
    EXPECT_THAT(peeled.indices, SizeIs(Le(40u)));
    EXPECT_THAT(peeled.indices, Each(Le(43u)));
    EXPECT_THAT(peeled.indices, Not(Contains(Le(3u))));
  }
}

}  // namespace
}  // namespace edgetwin::sync
