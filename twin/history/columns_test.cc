// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "twin/history/crc32.h"
#include "twin/history/integer_codes.h"
#include "twin/history/integer_column.h"
#include "twin/history/token_code.h"

namespace edgetwin::history {
namespace {

using testing::ElementsAreArray;
using Integers = std::vector<std::uint64_t>;

constexpr std::uint64_t kMax = ~std::uint64_t{0};

template <class Read>
Integers ReadBack(const Writer& out, std::size_t count, Read read) {
  std::string padded = out.bytes();
  padded.resize(padded.size() + kReadablePastEnd, '\xa5');
  Reader in(reinterpret_cast<const std::uint8_t*>(padded.data()), out.size());
  Integers values(count);
  read(in, values);
  EXPECT_FALSE(in.failed()) << in.reason();
  EXPECT_EQ(in.left(), 0u);
  return values;
}

// Values whose widths spread from 0 to `width`.
Integers RandomWidths(std::mt19937_64& random, std::size_t count, unsigned width) {
  Integers values(count);
  for (std::uint64_t& value : values) {
    const auto bits = static_cast<unsigned>(random() % (width + 1));
    value = bits == 0 ? 0 : random() >> (64 - bits);
  }
  return values;
}

TEST(IntegerCodesTest, PackedKeepsEveryWidth) {
  std::mt19937_64 random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    const Integers values = RandomWidths(random, 33, width);
    Writer out;
    WritePacked(out, values, width);
    EXPECT_EQ(out.size(), 1 + (33 * width + 7) / 8);
    EXPECT_THAT(ReadBack(out, 33, ReadPacked), ElementsAreArray(values));
  }
}

TEST(IntegerCodesTest, GolombKeepsEveryWidth) {
  std::mt19937_64 random(2);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const std::size_t count : {1u, 2u, 17u, 300u}) {
      const Integers values = RandomWidths(random, count, width);
      Writer out;
      WriteGolomb(out, values);
      EXPECT_EQ(out.size(), (GolombBits(values) + 7) / 8);
      EXPECT_THAT(ReadBack(out, count, ReadGolomb), ElementsAreArray(values)) << width;
    }
  }
}

TEST(IntegerCodesTest, GolombFollowsFromCalmToWildAndBack) {
  Integers values(400, 1);
  for (std::size_t i = 100; i < 200; ++i) values[i] = kMax - i;
  for (std::size_t i = 300; i < 400; ++i) values[i] = 1 << 20;
  Writer out;
  WriteGolomb(out, values);
  EXPECT_THAT(ReadBack(out, values.size(), ReadGolomb), ElementsAreArray(values));
}

TEST(TokenCodeTest, KeepsEveryWidthAndTellsItsSize) {
  std::mt19937_64 random(3);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const std::size_t count : {1u, 2u, 17u, 3'000u}) {
      const Integers values = RandomWidths(random, count, width);
      const TokenCode code(values);
      Writer out;
      code.Write(out, values);
      EXPECT_EQ(out.size(), (code.bits() + 7) / 8);
      EXPECT_THAT(ReadBack(out, count, TokenCode::Read), ElementsAreArray(values)) << width;
    }
  }
}

TEST(TokenCodeTest, KeepsTokensTooRareForTheirLength) {
  Integers values;
  for (unsigned token = 0; token < 30; ++token) {
    values.insert(values.end(), std::size_t{1} << std::min(token, 14u), std::uint64_t{1} << token);
  }
  const TokenCode code(values);
  Writer out;
  code.Write(out, values);
  EXPECT_EQ(ReadBack(out, values.size(), TokenCode::Read), values);
}

TEST(TokenCodeTest, RefusesIncompleteCodes) {
  // Tokens 0 and 1 with lengths 5 and 5: a sixteenth of the codes is used.
  std::string bytes("\x00\x01\x00", 3);
  bytes.resize(bytes.size() + kReadablePastEnd);
  Reader in(reinterpret_cast<const std::uint8_t*>(bytes.data()), 3);
  Integers values(4);
  TokenCode::Read(in, values);
  EXPECT_STREQ(in.reason(), "a token code is not complete");
}

class IntegerColumnTest : public testing::Test {
 protected:
  static std::size_t Size(const Integers& values) {
    Writer out;
    WriteIntegers(out, values);
    EXPECT_EQ(ReadBack(out, values.size(), ReadIntegers), values);
    return out.size();
  }
};

TEST_F(IntegerColumnTest, NoValuesTakeNoBytes) {
  EXPECT_EQ(Size({}), 0u);
}

TEST_F(IntegerColumnTest, ConstantsAndLinesTakeAFewBytes) {
  Integers line;
  for (std::uint64_t i = 0; i < 5'000; ++i) line.push_back(i * 60'000);
  EXPECT_EQ(Size(line), 5u);
  EXPECT_EQ(Size(Integers(5'000, 7)), 2u);
  EXPECT_EQ(Size({kMax, 0, 1, 2}), 3u);
}

TEST_F(IntegerColumnTest, ACommonDivisorIsTakenOut) {
  std::mt19937_64 random(4);
  Integers fine, coarse;
  for (int i = 0; i < 1'000; ++i) {
    fine.push_back(random() % 1'000);
    coarse.push_back(77 + fine.back() * 62'500);
  }
  EXPECT_LE(Size(coarse), Size(fine) + 4);
}

TEST_F(IntegerColumnTest, ADriftIsTakenOut) {
  std::mt19937_64 random(5);
  Integers counter = {0};
  for (int i = 0; i < 1'000; ++i) counter.push_back(counter.back() + 10'000 + random() % 16);
  EXPECT_LE(Size(counter), 1'000u * 45 / 80);
}

TEST_F(IntegerColumnTest, RunsAndFewDistinctValuesAreFound) {
  std::mt19937_64 random(6);
  Integers levels, runs, few;
  for (int i = 0; i < 16; ++i) levels.push_back(random());
  for (int i = 0; i < 1'000; ++i) {
    few.push_back(levels[random() % 16]);
    runs.push_back(levels[static_cast<std::size_t>(i / 100)]);
  }
  EXPECT_LE(Size(few), 16u * 9 + 520);
  EXPECT_LE(Size(runs), 120u);
}

TEST_F(IntegerColumnTest, RepeatedSequencesAreFound) {
  std::mt19937_64 random(7);
  Integers profile, values;
  for (int i = 0; i < 100; ++i) profile.push_back(random());
  for (int i = 0; i < 10; ++i) values.insert(values.end(), profile.begin(), profile.end());
  EXPECT_LE(Size(values), 1'000u);
}

TEST_F(IntegerColumnTest, RandomBitsTakeHardlyMoreThanTheirOwnSize) {
  std::mt19937_64 random(8);
  Integers values;
  for (int i = 0; i < 1'000; ++i) values.push_back(random());
  EXPECT_LE(Size(values), 8'016u);
}

TEST_F(IntegerColumnTest, DifferencesWrapAround) {
  EXPECT_GT(Size({std::uint64_t{1} << 63, 0, (std::uint64_t{1} << 63) - 1, 5, 5, 5, kMax}), 0u);
}

TEST(Crc32Test, IsThatOfTheStandard) {
  EXPECT_EQ(Crc32("123456789"), 0xcbf43926u);  // The check value of CRC-32/ISO-HDLC.
  EXPECT_EQ(Crc32(""), 0u);
}

}  // namespace
}  // namespace edgetwin::history
