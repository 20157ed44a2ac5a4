// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace edgetwin::history {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::uint64_t> Patterns(const std::vector<double>& values) {
  std::vector<std::uint64_t> patterns;
  for (const double value : values) patterns.push_back(std::bit_cast<std::uint64_t>(value));
  return patterns;
}

void ExpectComesBack(const std::vector<double>& values, const Scale& scale) {
  const std::vector<std::uint64_t> patterns = Patterns(values);
  Scaled scaled = Split(patterns, scale);
  Join(scaled.integers, scaled.corrections, scaled.exceptions, scale);
  EXPECT_EQ(scaled.integers, patterns);
}

TEST(ScaleTest, FindsTheDecimals) {
  EXPECT_THAT(DecimalsFor(Patterns({21.5, 21.25, 22, 21.75})), Contains(Scale{Scale::kDecimal, 2}));
  EXPECT_THAT(DecimalsFor(Patterns({1e-7, 3.5e-6})), Contains(Scale{Scale::kDecimal, 7}));
  EXPECT_THAT(DecimalsFor(Patterns({3, -4, 1e9})), ElementsAre(Scale{Scale::kDecimal, 0}));
}

TEST(ScaleTest, DecimalsThatAreALastPlaceOffAreStillFound) {
  const std::vector<double> values = {51.846000000000004, 44.508, 48.56800000000001, 46.714};
  EXPECT_THAT(DecimalsFor(Patterns(values)), ElementsAre(Scale{Scale::kDecimal, 3}));
  const Scaled scaled = Split(Patterns(values), {Scale::kDecimal, 3});
  EXPECT_THAT(scaled.integers, ElementsAre(51'846, 44'508, 48'568, 46'714));
  EXPECT_THAT(scaled.corrections, ElementsAre(1, 0, 2, 0));
}

TEST(ScaleTest, DoublesOfNoDecimalsHaveNone) {
  EXPECT_THAT(DecimalsFor(Patterns({std::sqrt(2.0), std::sqrt(3.0), std::sqrt(5.0)})), IsEmpty());
}

TEST(ScaleTest, FindsDecimalsOfFloats) {
  const auto patterns = Patterns({double{21.1f}, double{21.2f}, double{-0.3f}});
  EXPECT_THAT(DecimalsFor(patterns), IsEmpty());
  EXPECT_THAT(OthersFor(patterns), Contains(Scale{Scale::kFloatDecimal, 1}));
  const Scaled scaled = Split(patterns, {Scale::kFloatDecimal, 1});
  EXPECT_THAT(scaled.integers, ElementsAre(211, 212, static_cast<std::uint64_t>(-3)));
  EXPECT_THAT(scaled.corrections, IsEmpty());
}

TEST(ScaleTest, FloatsAreOfferedOnlyIfAllAreFloats) {
  EXPECT_THAT(OthersFor(Patterns({0.5, 1e300})), Not(Contains(Scale{Scale::kFloatBits, 0})));
  EXPECT_THAT(OthersFor(Patterns({0.5, double{1.1f}})), Contains(Scale{Scale::kFloatBits, 0}));
}

TEST(ScaleTest, FindsMultiplesOfAPowerOfTwo) {
  const auto patterns = Patterns({std::ldexp(3, -70), std::ldexp(5, -69), 0});
  EXPECT_THAT(OthersFor(patterns), Contains(Scale{Scale::kBinary, -70}));
  const Scaled scaled = Split(patterns, {Scale::kBinary, -70});
  EXPECT_THAT(scaled.integers, ElementsAre(3, 10, 0));
  EXPECT_THAT(scaled.corrections, IsEmpty());
}

TEST(ScaleTest, EveryScaleGivesBackWhatIsNotOfIt) {
  using Double = std::numeric_limits<double>;
  const std::vector<double> values = {
      1.5,  -0.0, Double::quiet_NaN(),  Double::infinity(), -Double::infinity(), 1e300, 1e-300,
      -2.7, 0.1,  Double::denorm_min(), Double::max(),      123456789.125,       0.0};
  for (int exponent = 0; exponent <= Scale::kDecimalMax; ++exponent) {
    ExpectComesBack(values, {Scale::kDecimal, exponent});
    ExpectComesBack(values, {Scale::kFloatDecimal, exponent});
  }
  ExpectComesBack(values, {Scale::kBits, 0});
  ExpectComesBack({1.5, -0.0, double{0.1f}, -Double::infinity(), double{-1e-40f}},
                  {Scale::kFloatBits, 0});
  ExpectComesBack({std::ldexp(1, -1074), std::ldexp(3, -1060), -0.0, Double::infinity()},
                  {Scale::kBinary, -1074});
}

TEST(ScaleTest, OutOfRangeIsNotValid) {
  EXPECT_TRUE(Valid({Scale::kDecimal, 22}));
  EXPECT_FALSE(Valid({Scale::kDecimal, 23}));
  EXPECT_FALSE(Valid({Scale::kFloatDecimal, -1}));
  EXPECT_FALSE(Valid({Scale::kBinary, -1075}));
  EXPECT_FALSE(Valid({static_cast<Scale::Kind>(5), 0}));
}

}  // namespace
}  // namespace edgetwin::history
