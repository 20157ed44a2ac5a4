// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/scan_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::iio {
namespace {

using driver::testing::CodeOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ElementType TypeOf(std::string_view text) {
  const Result<ElementType> type = ParseElementType(text);
  EXPECT_TRUE(type) << text;
  return type.value_or(ElementType{false, false, 8, 8, 0});
}

std::int64_t Raw(std::string_view type, std::initializer_list<std::uint8_t> bytes) {
  EXPECT_EQ(bytes.size(), TypeOf(type).storage_bits / 8);
  return RawInteger(TypeOf(type), bytes.begin());
}

ScanElement At(std::uint64_t index, std::string_view type) {
  return {index, TypeOf(type)};
}

TEST(ElementTypeTest, TheKernelsFormIsTakenApart) {
  const ElementType type = TypeOf("be:s12/16>>4");
  EXPECT_TRUE(type.big_endian);
  EXPECT_TRUE(type.is_signed);
  EXPECT_EQ(type.bits, 12u);
  EXPECT_EQ(type.storage_bits, 16u);
  EXPECT_EQ(type.shift, 4u);
  EXPECT_FALSE(TypeOf("le:u24/32>>0").big_endian);
  EXPECT_FALSE(TypeOf("le:u24/32>>0").is_signed);
  EXPECT_EQ(TypeOf("le:u24/32").shift, 0u);
  EXPECT_EQ(TypeOf("le:s16/16X1>>0").bits, 16u);
}

TEST(ElementTypeTest, WhatIsNotOfTheFormIsRefused) {
  for (const char* text : {"", "be", "be:", "me:s12/16>>4", "be:x12/16>>4", "be:s/16>>4", "be:s12",
                           "be:s12/>>4", "be:s12/16>>", "be:s12/16>>4 ", "be:s12/16>4",
                           "be:s12/16X>>4", "be:s-1/16>>0", "be:s99999999999/16>>0"}) {
    EXPECT_EQ(CodeOf(ParseElementType(text)), ErrorCode::kCorrupt) << text;
  }
}

TEST(ElementTypeTest, BitsThatDoNotFitTheirStorageAreRefused) {
  for (const char* text : {"be:s0/16>>0", "be:s17/16>>0", "be:s12/16>>5", "be:s16/16>>1",
                           "le:u1/8>>8", "le:u8/16>>4294967295"}) {
    EXPECT_EQ(CodeOf(ParseElementType(text)), ErrorCode::kCorrupt) << text;
  }
  EXPECT_EQ(TypeOf("le:u1/8>>7").shift, 7u);
}

TEST(ElementTypeTest, WhatCanNotBeCapturedIsSaidSo) {
  for (const char* text :
       {"le:s16/16X4>>0", "le:f32/32>>0", "le:s24/24>>0", "be:u128/128>>0", "be:u8/0>>0"}) {
    const Result<ElementType> type = ParseElementType(text);
    ASSERT_FALSE(type) << text;
    EXPECT_EQ(type.error().code, ErrorCode::kUnsupported) << text;
    EXPECT_THAT(type.error().text, HasSubstr(std::string("'") + text + "'"));
  }
}

// What the driver of the ADS1015 gives: 12 bits at the top of a big-endian word.
TEST(RawTest, BitsAreShiftedDownAndTheirSignExtended) {
  EXPECT_EQ(Raw("be:s12/16>>4", {0x7f, 0xf0}), 2047);
  EXPECT_EQ(Raw("be:s12/16>>4", {0x80, 0x00}), -2048);
  EXPECT_EQ(Raw("be:s12/16>>4", {0xff, 0xff}), -1);
  EXPECT_EQ(Raw("be:u12/16>>4", {0xff, 0xff}), 4095);
  // What lies above the value doesn't count.
  EXPECT_EQ(Raw("be:s10/16>>2", {0xf8, 0x07}), -511);
}

TEST(RawTest, WordsOfAllSizesAndByteOrders) {
  EXPECT_EQ(Raw("le:u8/8>>0", {0xff}), 255);
  EXPECT_EQ(Raw("le:s8/8>>0", {0xff}), -1);
  EXPECT_EQ(Raw("le:s24/32>>8", {0xaa, 0x01, 0x00, 0x80}), -8388607);
  EXPECT_EQ(Raw("be:u24/32>>0", {0xaa, 0x12, 0x34, 0x56}), 0x123456);
  EXPECT_EQ(Raw("le:s64/64>>0", {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08}),
            0x0807060504030201);
  EXPECT_EQ(Raw("be:s64/64>>0", {0x80, 0, 0, 0, 0, 0, 0, 0}),
            std::numeric_limits<std::int64_t>::min());
  const std::uint8_t all[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  EXPECT_EQ(RawNumber(TypeOf("le:u64/64>>0"), all), 18446744073709551615.0);
  EXPECT_EQ(RawNumber(TypeOf("le:s64/64>>0"), all), -1.0);
}

// The cases of iio_compute_scan_bytes, by hand.
TEST(ScanLayoutTest, ElementsAreAlignedToTheirSizeInTheOrderOfTheirIndices) {
  // Three axes and the time: 2 + 2 + 2, two bytes of nothing, 8.
  const auto axes = LayOut({At(0, "le:s16/16>>0"), At(1, "le:s16/16>>0"), At(2, "le:s16/16>>0")},
                           TypeOf("le:s64/64>>0"));
  EXPECT_THAT(axes->at, ElementsAre(0u, 2u, 4u));
  EXPECT_EQ(axes->timestamp_at, 8u);
  EXPECT_EQ(axes->bytes, 16u);

  // Given in another order, with gaps between the indices, and mixed: 8 bits, 32 bits, 16 bits.
  const auto mixed =
      LayOut({At(9, "be:u16/16>>0"), At(0, "le:u8/8>>0"), At(4, "le:s24/32>>8")}, {});
  EXPECT_THAT(mixed->at, ElementsAre(8u, 0u, 4u));
  EXPECT_FALSE(mixed->timestamp_at);
  EXPECT_EQ(mixed->bytes, 12u) << "10, and 2 so that the next scan's 32 bits are aligned";

  const auto one = LayOut({At(3, "le:u8/8>>0")}, {});
  EXPECT_EQ(one->bytes, 1u);
  const auto stamped = LayOut({At(3, "le:u8/8>>0")}, TypeOf("le:s64/64>>0"));
  EXPECT_EQ(stamped->timestamp_at, 8u);
  EXPECT_EQ(stamped->bytes, 16u);
}

TEST(ScanLayoutTest, NothingTooMuchAndTheSameTwiceAreRefused) {
  EXPECT_EQ(CodeOf(LayOut({}, {})), ErrorCode::kInvalid);
  std::vector<ScanElement> many;
  for (std::uint64_t i = 0; i < kElementsMax; ++i) many.push_back(At(i, "le:u8/8>>0"));
  EXPECT_EQ(LayOut(many, {})->bytes, kElementsMax);
  many.push_back(At(kElementsMax, "le:u8/8>>0"));
  EXPECT_EQ(CodeOf(LayOut(many, {})), ErrorCode::kInvalid);
  EXPECT_EQ(CodeOf(LayOut({At(1, "le:u8/8>>0"), At(1, "le:u8/8>>0")}, {})), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf(LayOut({At(1, "le:u8/8>>0")}, TypeOf("le:s32/32>>0"))), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace edgetwin::iio
