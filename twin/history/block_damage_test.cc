// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Blocks that flash or a peer has damaged, or that somebody made to do harm.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "twin/history/bits.h"
#include "twin/history/block.h"
#include "twin/history/crc32.h"
#include "twin/history/testing/series.h"

namespace edgetwin::history {
namespace {

using model::Sample;
using model::Value;
using testing::HasSubstr;

// With a checksum that is right, as somebody who means harm would send it.
std::string Signed(std::string body) {
  const std::uint32_t checksum = Crc32(body);
  for (int i = 0; i < 4; ++i) body += static_cast<char>(checksum >> 8 * i);
  return body;
}

std::vector<std::string> Samples() {
  std::vector<std::string> blocks;
  for (std::uint64_t seed = 1; seed <= 48; ++seed) {
    std::mt19937_64 random(seed);
    blocks.push_back(*EncodeBlock(RandomSeries(random, 80), seed));
  }
  return blocks;
}

TEST(BlockDamageTest, EveryTruncationIsRefused) {
  for (const std::string& block : Samples()) {
    for (std::size_t size = 0; size < block.size(); ++size) {
      const auto decoded = DecodeBlock(std::string_view(block).substr(0, size));
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    }
  }
}

TEST(BlockDamageTest, EveryFlippedBitIsRefused) {
  for (std::string block : Samples()) {
    for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
      const char before = block[bit / 8];
      block[bit / 8] = static_cast<char>(before ^ 1 << bit % 8);
      EXPECT_FALSE(DecodeBlock(block));
      EXPECT_FALSE(ReadBlockHeader(block));
      block[bit / 8] = before;
    }
  }
}

TEST(BlockDamageTest, EveryCutAndFlipWithARightChecksumIsRefusedOrStaysWithinItsLimits) {
  const DecodeLimits limits = {.samples_max = 100, .text_bytes_max = 20'000};
  std::size_t refused = 0, accepted = 0;
  const auto decode = [&](const std::string& body) {
    const auto decoded = DecodeBlock(Signed(body), limits);
    if (!decoded) {
      ++refused;
      EXPECT_NE(decoded.error().text, "");
      return;
    }
    ++accepted;
    EXPECT_LE(decoded->samples.size(), limits.samples_max);
    for (const Sample& sample : decoded->samples) EXPECT_TRUE(Holdable(sample.value));
  };
  for (const std::string& block : Samples()) {
    std::string body = block.substr(0, block.size() - 4);
    for (std::size_t size = 0; size < body.size(); ++size) decode(body.substr(0, size));
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
      body[bit / 8] = static_cast<char>(body[bit / 8] ^ 1 << bit % 8);
      decode(body);
      body[bit / 8] = static_cast<char>(body[bit / 8] ^ 1 << bit % 8);
    }
  }
  EXPECT_GT(refused, 10'000u);
  EXPECT_GT(accepted, 10'000u);  // Another value is a block, too: hence the checksum.
}

TEST(BlockDamageTest, BytesBehindTheLastColumnAreRefused) {
  std::string block = *EncodeBlock(EachSecond(std::vector<double>{1, 2, 4}));
  block.resize(block.size() - 4);
  EXPECT_TRUE(DecodeBlock(Signed(block)));
  EXPECT_THAT(DecodeBlock(Signed(block + '\0')).error().text, HasSubstr("something follows"));
}

TEST(BlockDamageTest, ALaterFormatIsNamed) {
  std::string block = *EncodeBlock(EachSecond(std::vector<double>{1, 2, 4}));
  block.resize(block.size() - 4);
  block[0] = 2;
  const auto decoded = DecodeBlock(Signed(block));
  EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(decoded.error().text, HasSubstr("format 2"));
}

TEST(BlockDamageTest, AFewBytesCantClaimManySamples) {
  Writer out;
  out.Byte(1);
  out.Byte(1);  // Bools.
  out.Varint(std::uint64_t{1} << 40);
  out.Varint(0);
  out.Raw(std::string_view("\0\0\0\0", 4));  // Both columns constant.
  const auto decoded = DecodeBlock(Signed(out.bytes()));
  EXPECT_EQ(decoded.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(decoded.error().text, HasSubstr("1099511627776 samples"));
}

TEST(BlockDamageTest, AFewBytesCantClaimManyTexts) {
  const std::string text(model::kValueBytesMax, 'x');
  const std::string block =
      *EncodeBlock(EachSecond(std::vector<std::string>(100, text)));  // 1.6 MB in 100 bytes.
  EXPECT_LT(block.size(), 200u);
  EXPECT_TRUE(DecodeBlock(block));
  EXPECT_THAT(DecodeBlock(block, {.text_bytes_max = 1'000'000}).error().text,
              HasSubstr("longer than the limit"));
}

}  // namespace
}  // namespace edgetwin::history
