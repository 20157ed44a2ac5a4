// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/register.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace edgetwin::driver {
namespace {

using model::Value;
using ::testing::HasSubstr;
using Words = std::vector<std::uint16_t>;

RegisterSpec Spec(RegisterType type) {
  RegisterSpec spec;
  spec.type = type;
  return spec;
}

Value Int(std::int64_t value) {
  return Value(value);
}

TEST(RegisterTest, DecodesEachIntegerTypeWithItsSign) {
  EXPECT_EQ(*Decode(Spec(RegisterType::kInt16), Words{0xffd6}), Int(-42));
  EXPECT_EQ(*Decode(Spec(RegisterType::kUint16), Words{0xffd6}), Int(65'494));
  EXPECT_EQ(*Decode(Spec(RegisterType::kInt32), Words{0xfffe, 0xee90}), Int(-70'000));
  EXPECT_EQ(*Decode(Spec(RegisterType::kUint32), Words{0xfffe, 0xee90}), Int(4'294'897'296));
  EXPECT_EQ(*Decode(Spec(RegisterType::kInt64), Words{0x8000, 0, 0, 0}),
            Int(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(*Decode(Spec(RegisterType::kUint64), Words{0x7fff, 0xffff, 0xffff, 0xffff}),
            Int(std::numeric_limits<std::int64_t>::max()));
}

TEST(RegisterTest, RefusesAnUnscaledUint64AboveTheLargestInteger) {
  const auto value = Decode(Spec(RegisterType::kUint64), Words{0x8000, 0, 0, 1});
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().text, HasSubstr("9223372036854775809"));
  RegisterSpec scaled = Spec(RegisterType::kUint64);
  scaled.scaled = true;
  EXPECT_EQ(*Decode(scaled, Words{0x8000, 0, 0, 0}), Value(9223372036854775808.0));
}

TEST(RegisterTest, AllFourOrdersOfAFloat) {
  RegisterSpec spec = Spec(RegisterType::kFloat32);  // 3.25 is 0x40500000; take 0x41424344 instead.
  const Value expected(static_cast<double>(std::bit_cast<float>(0x41424344u)));
  EXPECT_EQ(*Decode(spec, Words{0x4142, 0x4344}), expected);  // ABCD
  spec.little_words = true;
  EXPECT_EQ(*Decode(spec, Words{0x4344, 0x4142}), expected);  // CDAB
  spec.little_bytes = true;
  EXPECT_EQ(*Decode(spec, Words{0x4443, 0x4241}), expected);  // DCBA
  spec.little_words = false;
  EXPECT_EQ(*Decode(spec, Words{0x4241, 0x4443}), expected);  // BADC
}

TEST(RegisterTest, ScaledIntegersAreExactInTheirDecimals) {
  RegisterSpec spec = Spec(RegisterType::kInt16);
  spec.scaled = true;
  spec.scale = 0.1;
  spec.offset = -40;
  spec.decimals = ImpliedDecimals(0.1, -40);
  EXPECT_EQ(spec.decimals, 1);
  EXPECT_EQ(*Decode(spec, Words{403}),
            Value(0.3));  // 403 · 0.1 − 40 is 0.30000000000000426 in doubles.
  EXPECT_EQ(ValueTypeOf(spec), model::ValueType::kDouble);
}

TEST(RegisterTest, UnscaledIntegersStayIntegers) {
  EXPECT_EQ(ValueTypeOf(Spec(RegisterType::kUint32)), model::ValueType::kInt);
  EXPECT_EQ(ValueTypeOf(Spec(RegisterType::kFloat32)), model::ValueType::kDouble);
}

TEST(RegisterTest, ImpliedDecimalsFollowScaleAndOffset) {
  EXPECT_EQ(ImpliedDecimals(0.25, 0.5), 2);
  EXPECT_EQ(ImpliedDecimals(10, 0), 0);
  EXPECT_EQ(ImpliedDecimals(1.0 / 3, 0), std::nullopt);
}

TEST(RegisterTest, PicksABitWhateverTheByteOrder) {
  RegisterSpec spec = Spec(RegisterType::kBool);
  spec.bit = 9;
  EXPECT_EQ(*Decode(spec, Words{0x0200}), Value(true));
  EXPECT_EQ(*Decode(spec, Words{0xfdff}), Value(false));
  spec.little_bytes = true;
  EXPECT_EQ(*Decode(spec, Words{0x0002}), Value(true));
}

TEST(RegisterTest, StringsEndAtZeroAndLoseTrailingBlanks) {
  RegisterSpec spec = Spec(RegisterType::kString);
  spec.length_bytes = 6;
  EXPECT_EQ(*Decode(spec, Words{0x4142, 0x2020, 0x2020}), Value(std::string("AB")));
  EXPECT_EQ(*Decode(spec, Words{0x4100, 0x4242, 0x4242}), Value(std::string("A")));
  EXPECT_EQ(*Decode(spec, Words{0, 0, 0}), Value(std::string()));
  spec.length_bytes = 5;
  EXPECT_EQ(*Decode(spec, Words{0x4142, 0x4344, 0x4546}), Value(std::string("ABCDE")));
  spec.little_bytes = true;
  EXPECT_EQ(*Decode(spec, Words{0x4241, 0x4443, 0x0045}), Value(std::string("ABCDE")));
}

TEST(RegisterTest, RefusesStringsThatAreNotUtf8) {
  RegisterSpec spec = Spec(RegisterType::kString);
  spec.length_bytes = 2;
  EXPECT_FALSE(Decode(spec, Words{0xc080}));  // An overlong zero.
  EXPECT_FALSE(Decode(spec, Words{0xffff}));
  EXPECT_FALSE(Decode(spec, Words{0x41c3}));  // Cut short.
  EXPECT_EQ(*Decode(spec, Words{0xc3a4}), Value(std::string("\u00e4")));
}

TEST(RegisterTest, EncodingAndDecodingGiveTheValueBackInEveryOrder) {
  const std::pair<RegisterType, Value> cases[] = {
      {RegisterType::kInt16, Int(-32'768)},
      {RegisterType::kUint16, Int(65'535)},
      {RegisterType::kInt32, Int(-2'147'483'648)},
      {RegisterType::kUint32, Int(4'294'967'295)},
      {RegisterType::kInt64, Int(std::numeric_limits<std::int64_t>::min())},
      {RegisterType::kUint64, Int(std::numeric_limits<std::int64_t>::max())},
      {RegisterType::kFloat32, Value(-1.5)},
      {RegisterType::kFloat64, Value(0.1)},
  };
  for (const auto& [type, value] : cases) {
    for (const int orders : {0, 1, 2, 3}) {
      RegisterSpec spec = Spec(type);
      spec.little_words = (orders & 1) != 0;
      spec.little_bytes = (orders & 2) != 0;
      const auto registers = Encode(spec, value);
      ASSERT_TRUE(registers) << ToString(type);
      EXPECT_EQ(*Decode(spec, *registers), value) << ToString(type) << " order " << orders;
    }
  }
}

TEST(RegisterTest, RefusesWhatDoesNotFitAndSaysWhatDoes) {
  const auto text = [](const RegisterSpec& spec, Value value) {
    const auto registers = Encode(spec, value);
    return registers ? "fits" : registers.error().text;
  };
  EXPECT_THAT(text(Spec(RegisterType::kUint16), Int(65'536)), HasSubstr("takes 0 to 65535"));
  EXPECT_THAT(text(Spec(RegisterType::kUint16), Int(-1)), HasSubstr("-1 is out of range"));
  EXPECT_THAT(text(Spec(RegisterType::kInt16), Int(32'768)), HasSubstr("takes -32768 to 32767"));
  EXPECT_THAT(text(Spec(RegisterType::kUint64), Int(-1)), HasSubstr("takes 0 to"));
  EXPECT_THAT(text(Spec(RegisterType::kFloat32), Value(1e39)), HasSubstr("out of range"));
  EXPECT_THAT(text(Spec(RegisterType::kFloat32), Value(std::nan(""))), HasSubstr("finite"));
  RegisterSpec scaled = Spec(RegisterType::kUint16);
  scaled.scaled = true;
  scaled.scale = 0.1;
  scaled.offset = -40;
  scaled.decimals = 1;
  EXPECT_THAT(text(scaled, Value(-40.2)), HasSubstr("takes -40.0 to 6513.5"));
  EXPECT_EQ(*Encode(scaled, Value(-40.04)), Words{0});
  EXPECT_EQ(*Encode(scaled, Int(10)), Words{500});
  RegisterSpec words = Spec(RegisterType::kString);
  words.length_bytes = 3;
  EXPECT_THAT(text(words, Value(std::string("abcd"))), HasSubstr("3 fit"));
  EXPECT_EQ(*Encode(words, Value(std::string("ab"))), (Words{0x6162, 0}));
}

TEST(RegisterTest, ScaledSixtyFourBitsRefuseTheFirstDoubleBeyond) {
  RegisterSpec spec = Spec(RegisterType::kInt64);
  spec.scaled = true;
  EXPECT_FALSE(Encode(spec, Value(std::ldexp(1.0, 63))));
  EXPECT_TRUE(Encode(spec, Value(-std::ldexp(1.0, 63))));
  spec.type = RegisterType::kUint64;
  EXPECT_FALSE(Encode(spec, Value(std::ldexp(1.0, 64))));
  EXPECT_TRUE(Encode(spec, Value(std::ldexp(1.0, 63))));
}

}  // namespace
}  // namespace edgetwin::driver
