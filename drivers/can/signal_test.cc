// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/signal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace edgetwin::can {
namespace {

using ::testing::HasSubstr;

// The reference, straight from how DBC numbers bits: where each bit of the signal lies, the least
// significant first. Motorola counts down within a byte and goes on at the next byte's bit 7.
std::vector<int> PlacesOf(const SignalBits& bits) {
  std::vector<int> places;
  int place = bits.start;
  for (int i = 0; i < bits.length; ++i) {
    places.push_back(place);
    if (bits.order == ByteOrder::kLittle) {
      ++place;
    } else {
      place = place % 8 == 0 ? place + 15 : place - 1;
    }
  }
  if (bits.order == ByteOrder::kBig) std::reverse(places.begin(), places.end());
  return places;
}
bool BitOf(const Payload& payload, int place) {
  return (payload[static_cast<std::size_t>(place / 8)] >> place % 8 & 1) != 0;
}

// Every layout that there is, in a payload of `bytes`.
template <class Test>
void ForEachLayout(int bytes, Test test) {
  for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    for (int start = 0; start < 8 * bytes; ++start) {
      for (int length = 1; length <= 64; ++length) {
        test(SignalBits{start, length, order, RawType::kUnsigned});
      }
    }
  }
}

TEST(SignalTest, EachLayoutOf64BytesIsTheReferencesBitByBit) {
  std::mt19937_64 random(1);
  int layouts = 0;
  ForEachLayout(kPayloadBytesMax, [&](const SignalBits& bits) {
    const std::vector<int> places = PlacesOf(bits);
    const int last = *std::max_element(places.begin(), places.end());
    ASSERT_EQ(BytesNeeded(bits), last / 8 + 1) << Describe(bits);
    ASSERT_EQ(bool(CheckBits(bits, kPayloadBytesMax)), last < 8 * kPayloadBytesMax)
        << Describe(bits);
    if (last >= 8 * kPayloadBytesMax) return;
    ++layouts;
    Payload payload;
    for (std::uint8_t& byte : payload) byte = static_cast<std::uint8_t>(random());
    std::uint64_t raw = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      raw |= std::uint64_t{BitOf(payload, places[i])} << i;
    }
    ASSERT_EQ(ExtractRaw(bits, payload), raw) << Describe(bits);

    const std::uint64_t put = random();
    Payload packed = payload;
    InsertRaw(bits, put, packed);
    Payload expected = payload;
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::uint8_t& byte = expected[static_cast<std::size_t>(places[i] / 8)];
      const auto mask = static_cast<std::uint8_t>(1 << places[i] % 8);
      byte = static_cast<std::uint8_t>((byte & ~mask) | ((put >> i & 1) != 0 ? mask : 0));
    }
    ASSERT_EQ(packed, expected) << Describe(bits);
  });
  EXPECT_GT(layouts, 60'000);
}

TEST(SignalTest, EachSignedLengthIsExtendedByItsSign) {
  for (int length = 1; length <= 64; ++length) {
    SignalSpec spec;
    spec.bits = {0, length, ByteOrder::kLittle, RawType::kSigned};
    const std::uint64_t sign = std::uint64_t{1} << (length - 1);
    const auto lowest = static_cast<std::int64_t>(~(sign - 1));
    const auto highest = static_cast<std::int64_t>(sign - 1);
    EXPECT_EQ(*Decode(spec, sign), model::Value(lowest)) << length;
    EXPECT_EQ(*Decode(spec, sign - 1), model::Value(highest)) << length;
    EXPECT_EQ(*Encode(spec, model::Value(lowest)), sign);
    EXPECT_EQ(*Encode(spec, model::Value(highest)), sign - 1);
    if (length == 64) continue;
    EXPECT_FALSE(Encode(spec, model::Value(lowest - 1)));
    EXPECT_FALSE(Encode(spec, model::Value(highest + 1)));
  }
}

TEST(SignalTest, UnsignedOf64BitsIsWholeOrNoValue) {
  SignalSpec spec;
  spec.bits = {7, 64, ByteOrder::kBig, RawType::kUnsigned};
  const std::int64_t highest = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(*Decode(spec, static_cast<std::uint64_t>(highest)), model::Value(highest));
  EXPECT_FALSE(Decode(spec, static_cast<std::uint64_t>(highest) + 1));
  EXPECT_EQ(*Encode(spec, model::Value(highest)), static_cast<std::uint64_t>(highest));
  EXPECT_FALSE(Encode(spec, model::Value(std::int64_t{-1})));
  spec.factor = 0.5;  // Now a double.
  EXPECT_EQ(*Decode(spec, ~std::uint64_t{0}), model::Value(std::ldexp(1.0, 63)));
  EXPECT_FALSE(Encode(spec, model::Value(std::ldexp(1.0, 63))));
  EXPECT_TRUE(Encode(spec, model::Value(std::ldexp(1.0, 62))));
}

// SAE J1939-71: engine speed (SPN 190), 0.125 rpm a bit; coolant temperature (SPN 110), 1 °C a bit
// from -40.
TEST(SignalTest, TheStandardsExamplesAreScaled) {
  SignalSpec speed;
  speed.bits = {24, 16, ByteOrder::kLittle, RawType::kUnsigned};
  speed.factor = 0.125;
  speed.decimals = ImpliedDecimals(speed);
  EXPECT_EQ(speed.decimals, 3);
  const Payload frame = {0xff, 0xff, 0xff, 0x68, 0x13};
  EXPECT_EQ(*Decode(speed, ExtractRaw(speed.bits, frame)), model::Value(621.0));
  EXPECT_EQ(*Encode(speed, model::Value(621.0)), 0x1368u);
  EXPECT_EQ(*Encode(speed, model::Value(621.06)), 0x1368u);  // The nearest.

  SignalSpec coolant;
  coolant.bits = {0, 8, ByteOrder::kLittle, RawType::kUnsigned};
  coolant.offset = -40;
  coolant.decimals = ImpliedDecimals(coolant);
  EXPECT_EQ(coolant.decimals, 0);
  EXPECT_EQ(*Decode(coolant, 0x7d), model::Value(85.0));
  EXPECT_EQ(*Encode(coolant, model::Value(-40.0)), 0u);
  const auto refused = Encode(coolant, model::Value(216.0));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text, HasSubstr("216 does not fit into bit 0, 8 bits: -40 to 215"));
}

TEST(SignalTest, FloatsAreFloats) {
  SignalSpec spec;
  spec.bits = {0, 32, ByteOrder::kLittle, RawType::kFloat32};
  EXPECT_EQ(*Decode(spec, 0x40490fdb), model::Value(double{std::bit_cast<float>(0x40490fdbu)}));
  EXPECT_EQ(*Encode(spec, model::Value(1.5)), 0x3fc00000u);
  EXPECT_FALSE(Encode(spec, model::Value(1e39)));
  EXPECT_TRUE(std::isnan(Decode(spec, 0x7fc00000)->real()));
  spec.bits = {0, 64, ByteOrder::kLittle, RawType::kFloat64};
  EXPECT_EQ(*Decode(spec, 0x3ff8000000000000), model::Value(1.5));
  EXPECT_EQ(*Encode(spec, model::Value(-2.0)), 0xc000000000000000u);
  EXPECT_FALSE(Encode(spec, model::Value(std::nan(""))));
}

TEST(SignalTest, WhatIsOutOfACheckedRangeIsNoValue) {
  SignalSpec spec;
  spec.bits = {0, 8, ByteOrder::kLittle, RawType::kUnsigned};
  spec.min = 0;
  spec.max = 250;
  EXPECT_TRUE(Decode(spec, 255));
  spec.check_range = true;
  EXPECT_TRUE(Decode(spec, 250));
  EXPECT_FALSE(Decode(spec, 251));
  spec.bits = {0, 32, ByteOrder::kLittle, RawType::kFloat32};
  EXPECT_FALSE(Decode(spec, 0x7fc00000));  // No number is in no range.
}

TEST(SignalTest, OneUnsignedBitIsABool) {
  SignalSpec spec;
  spec.bits = {9, 1, ByteOrder::kBig, RawType::kUnsigned};
  EXPECT_EQ(ValueTypeOf(spec), model::ValueType::kBool);
  EXPECT_EQ(*Decode(spec, 1), model::Value(true));
  EXPECT_EQ(*Encode(spec, model::Value(false)), 0u);
  spec.bits.type = RawType::kSigned;
  EXPECT_EQ(ValueTypeOf(spec), model::ValueType::kInt);
}

TEST(SignalTest, LayoutsThatCantBeAreRefused) {
  EXPECT_FALSE(CheckBits({0, 0, ByteOrder::kLittle, RawType::kUnsigned}, 8));
  EXPECT_FALSE(CheckBits({0, 65, ByteOrder::kLittle, RawType::kUnsigned}, 64));
  EXPECT_FALSE(CheckBits({-1, 1, ByteOrder::kLittle, RawType::kUnsigned}, 8));
  EXPECT_FALSE(CheckBits({1 << 30, 1, ByteOrder::kBig, RawType::kUnsigned}, 8));
  EXPECT_FALSE(CheckBits({0, 16, ByteOrder::kLittle, RawType::kFloat32}, 8));
  EXPECT_FALSE(CheckBits({0, 32, ByteOrder::kLittle, RawType::kFloat64}, 8));
  EXPECT_FALSE(CheckBits({56, 9, ByteOrder::kLittle, RawType::kUnsigned}, 8));
  EXPECT_FALSE(CheckBits({56, 2, ByteOrder::kBig, RawType::kUnsigned}, 8));
  EXPECT_TRUE(CheckBits({56, 8, ByteOrder::kLittle, RawType::kUnsigned}, 8));
  EXPECT_TRUE(CheckBits({63, 8, ByteOrder::kBig, RawType::kUnsigned}, 8));
}

}  // namespace
}  // namespace edgetwin::can
