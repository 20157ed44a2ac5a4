// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "twin/history/testing/series.h"

namespace edgetwin::history {
namespace {

using model::Bytes;
using model::Quality;
using model::Sample;
using model::Value;
using testing::IsEmpty;

using Double = std::numeric_limits<double>;
using Int = std::numeric_limits<std::int64_t>;

// What is lost on the way there and back, in words.
std::string Lost(const std::vector<Sample>& samples) {
  const Result<std::string> bytes = EncodeBlock(samples, 77);
  if (!bytes) return bytes.error().text;
  const Result<Block> block = DecodeBlock(*bytes);
  if (!block) return block.error().text;
  if (block->first_ordinal != 77) return "the ordinal";
  return Difference(samples, block->samples);
}

std::size_t Bytes100(const std::vector<Sample>& samples) {
  return EncodeBlock(samples)->size() * 100 / samples.size();  // A hundred samples.
}

TEST(BlockTest, KeepsOneSampleOfEachType) {
  EXPECT_THAT(Lost({At(0, Value())}), IsEmpty());
  EXPECT_THAT(Lost({At(1, Value(true))}), IsEmpty());
  EXPECT_THAT(Lost({At(-1, Value(std::int64_t{42}))}), IsEmpty());
  EXPECT_THAT(Lost({At(kStartMs, Value(21.5))}), IsEmpty());
  EXPECT_THAT(Lost({At(kStartMs, Value(std::string("on")))}), IsEmpty());
  EXPECT_THAT(Lost({At(kStartMs, Value(Bytes{std::string("\0\xff", 2)}))}), IsEmpty());
}

TEST(BlockTest, KeepsEveryBitOfEveryExtremeDouble) {
  const std::vector<double> extremes = {
      0.0,
      -0.0,
      Double::infinity(),
      -Double::infinity(),
      Double::quiet_NaN(),
      -Double::quiet_NaN(),
      std::bit_cast<double>(0x7ff0'0000'0000'0001),  // Signalling.
      std::bit_cast<double>(0xffff'ffff'ffff'ffff),
      std::bit_cast<double>(0x7ff8'0000'2000'0000),  // A float's payload.
      std::bit_cast<double>(0x7ff0'0000'2000'0000),
      Double::denorm_min(),
      -Double::denorm_min(),
      Double::min(),
      Double::max(),
      Double::lowest(),
      Double::epsilon(),
      0.1 + 0.2,
      1e22,
      1e23,
      9007199254740993.0,
      double{std::numeric_limits<float>::max()},
      double{std::numeric_limits<float>::denorm_min()}};
  EXPECT_THAT(Lost(EachSecond(extremes)), IsEmpty());
  for (const double extreme : extremes) {
    SCOPED_TRACE(extreme);
    EXPECT_THAT(Lost(EachSecond(std::vector<double>{extreme})), IsEmpty());
    // As an exception among decimals, floats, multiples of a power of two, and many of itself.
    std::vector<double> decimals, floats, fractions, repeated;
    for (int i = 0; i < 100; ++i) {
      decimals.push_back(i % 37 == 5 ? extreme : 20 + i % 10 / 10.0);
      floats.push_back(i % 37 == 5 ? extreme : double{static_cast<float>(20 + i % 10 / 10.0)});
      fractions.push_back(i % 37 == 5 ? extreme : std::ldexp(i * i, -60));
      repeated.push_back(i % 3 == 0 ? 1.5 : extreme);
    }
    EXPECT_THAT(Lost(EachSecond(decimals)), IsEmpty());
    EXPECT_THAT(Lost(EachSecond(floats)), IsEmpty());
    EXPECT_THAT(Lost(EachSecond(fractions)), IsEmpty());
    EXPECT_THAT(Lost(EachSecond(repeated)), IsEmpty());
  }
}

// The lowest bit of each lies higher than the lowest bit of the greatest double.
TEST(BlockTest, KeepsRoundDoublesNearTheGreatest) {
  for (int exponent = 960; exponent < 1'024; ++exponent) {
    SCOPED_TRACE(exponent);
    const double power = std::ldexp(1.0, exponent);
    EXPECT_THAT(Lost(EachSecond(std::vector<double>(40, power))), IsEmpty());
    EXPECT_THAT(Lost(EachSecond(std::vector<double>{power, -power, 1.5 * power, 0.0, power})),
                IsEmpty());
  }
}

TEST(BlockTest, KeepsEveryExtremeInteger) {
  EXPECT_THAT(
      Lost(EachSecond(std::vector<std::int64_t>{Int::min(), Int::max(), 0, -1, 1, Int::max(),
                                                Int::min(), Int::min(), Int::max() - 1})),
      IsEmpty());
  std::vector<std::int64_t> swings, counter;
  for (int i = 0; i < 200; ++i) {
    swings.push_back(i % 2 == 0 ? Int::min() + i : Int::max() - i);
    counter.push_back(Int::max() - 100 * (200 - i));
  }
  EXPECT_THAT(Lost(EachSecond(swings)), IsEmpty());
  EXPECT_THAT(Lost(EachSecond(counter)), IsEmpty());
}

TEST(BlockTest, KeepsEmptyAndLongTextsAndBytes) {
  const std::string longest(model::kValueBytesMax, 'x');
  EXPECT_THAT(Lost(EachSecond(std::vector<std::string>{"", longest, "", "\u00e9", longest})),
              IsEmpty());
  EXPECT_THAT(Lost(EachSecond(std::vector<std::string>(20, ""))), IsEmpty());
  std::vector<Bytes> bytes;
  for (int i = 0; i < 300; ++i) bytes.push_back(Bytes{std::string(i % 7, static_cast<char>(i))});
  EXPECT_THAT(Lost(EachSecond(bytes)), IsEmpty());
}

TEST(BlockTest, KeepsIrregularRepeatedAndBackwardTimes) {
  EXPECT_THAT(Lost({At(5, Value(1.0)), At(5, Value(2.0)), At(5, Value(3.0)), At(4, Value(4.0)),
                    At(1'000'000, Value(5.0)), At(-7, Value(6.0))}),
              IsEmpty());
  EXPECT_THAT(Lost({At(Int::min(), Value(1.0)), At(Int::max(), Value(2.0)),
                    At(Int::min(), Value(3.0)), At(0, Value(4.0))}),
              IsEmpty());
}

TEST(BlockTest, KeepsChangesOfQualityAndUntrustedClocks) {
  std::vector<Sample> samples;
  for (int i = 0; i < 64; ++i) {
    samples.push_back(At(kStartMs + i, Value(1.5), static_cast<Quality>(i / 7 % 4)));
    samples.back().unsynced = i < 20;
  }
  EXPECT_THAT(Lost(samples), IsEmpty());
}

TEST(BlockTest, KeepsMixedTypesOfOneProperty) {
  std::vector<Sample> samples;
  for (int i = 0; i < 60; ++i) {
    const Value values[] = {Value(),
                            Value(i % 2 == 0),
                            Value(std::int64_t{i}),
                            Value(i / 10.0),
                            Value("t" + std::to_string(i)),
                            Value(Bytes{std::string(i, 'b')})};
    samples.push_back(At(kStartMs + i, values[i % 6]));
  }
  EXPECT_THAT(Lost(samples), IsEmpty());
}

TEST(BlockTest, KeepsRandomSeriesOfEveryShape) {
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<Sample> samples = RandomSeries(random, seed % 10 == 0 ? 2'000 : 150);
    ASSERT_THAT(Lost(samples), IsEmpty()) << "seed " << seed;
  }
}

TEST(BlockTest, ConstantValuesAtAConstantPeriodCostABlockOnly) {
  EXPECT_LE(EncodeBlock(EachSecond(std::vector<double>(1'000, 21.375)), 1'000'000)->size(), 32u);
  EXPECT_LE(EncodeBlock(EachSecond(std::vector<bool>(1'000, true)), 1'000'000)->size(), 32u);
  EXPECT_LE(EncodeBlock(EachSecond(std::vector<std::string>(1'000, "running")))->size(), 48u);
}

TEST(BlockTest, ASensorOfDecimalsTakesAFewBitsASample) {
  std::mt19937_64 random(1);
  std::vector<double> decimals, floats, noisy;
  int level = 2'000;
  for (int i = 0; i < 1'000; ++i) {
    level += static_cast<int>(random() % 7) - 3;  // 2.8 bits.
    decimals.push_back(level / 100.0);
    floats.push_back(double{static_cast<float>(level / 100.0)});
    noisy.push_back(i % 100 == 0 ? Double::quiet_NaN() : level / 100.0);
  }
  EXPECT_LE(Bytes100(EachSecond(decimals)), 44u);
  EXPECT_LE(Bytes100(EachSecond(floats)), 44u);
  EXPECT_LE(Bytes100(EachSecond(noisy)), 55u);
}

TEST(BlockTest, JitterOfTheClockCostsItsOwnBitsOnly) {
  std::mt19937_64 random(1);
  std::vector<Sample> samples;
  for (int i = 0; i < 1'000; ++i) {
    samples.push_back(At(kStartMs + 60'000 * i + static_cast<int>(random() % 16), Value(1.0)));
  }
  EXPECT_LE(Bytes100(samples), 75u);  // Two time stamps' jitter in each difference: 5 bits.
}

TEST(BlockTest, TellsItsHeaderWithoutDecoding) {
  const Result<std::string> bytes = EncodeBlock(EachSecond(std::vector<double>(7, 1.5)), 123'456);
  EXPECT_EQ(ReadBlockHeader(*bytes), (BlockHeader{.first_ordinal = 123'456, .count = 7}));
}

TEST(BlockTest, RefusesWhatItCouldNotGiveBack) {
  EXPECT_EQ(EncodeBlock({}).error().code, ErrorCode::kInvalid);
  const std::vector<Sample> invalid = {At(0, Value(std::string("\xff")))};
  EXPECT_EQ(EncodeBlock(invalid).error().code, ErrorCode::kInvalid);
  const std::vector<Sample> many(kBlockSamplesMax + 1, At(0, Value(1.5)));
  EXPECT_EQ(EncodeBlock(many).error().code, ErrorCode::kExhausted);
  EXPECT_THAT(Lost({many.begin() + 1, many.end()}), IsEmpty());
  const std::vector<Sample> large(kBlockTextBytesMax / model::kValueBytesMax + 1,
                                  At(0, Value(std::string(model::kValueBytesMax, 'x'))));
  EXPECT_EQ(EncodeBlock(large).error().code, ErrorCode::kExhausted);
  EXPECT_THAT(Lost({large.begin() + 1, large.end()}), IsEmpty());
}

}  // namespace
}  // namespace edgetwin::history
