// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/rtu_frame.h"

#include <gtest/gtest.h>

namespace edgetwin::driver {
namespace {

const AnswerShape kTwoRegisters{{0x03, 0x04}, 6};

Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes Answer(int unit, const Bytes& data) {
  Bytes pdu{0x03, static_cast<std::uint8_t>(data.size())};
  pdu.insert(pdu.end(), data.begin(), data.end());
  return RtuFrame(unit, pdu);
}

TEST(RtuFrameTest, TheChecksumIsCrc16Modbus) {
  const std::string_view check = "123456789";  // The check value of the catalogue of CRCs.
  EXPECT_EQ(RtuChecksum(Bytes(check.begin(), check.end())), 0x4b37);
  EXPECT_EQ(RtuFrame(1, Bytes{0x03, 0, 0, 0, 10}), (Bytes{1, 3, 0, 0, 0, 10, 0xc5, 0xcd}));
}

TEST(RtuFrameTest, FindsAnAnswerAndAnException) {
  const RtuFound found = FindAnswer(Answer(7, {1, 2, 3, 4}), 7, kTwoRegisters);
  EXPECT_EQ(found.state, RtuSearch::kWhole);
  EXPECT_EQ(found.pdu, (Bytes{3, 4, 1, 2, 3, 4}));
  const RtuFound exception = FindAnswer(RtuFrame(7, Bytes{0x83, 2}), 7, kTwoRegisters);
  EXPECT_EQ(exception.state, RtuSearch::kWhole);
  EXPECT_EQ(exception.pdu, (Bytes{0x83, 2}));
}

TEST(RtuFrameTest, AnAnswerIsAwaitedByteByByte) {
  const Bytes whole = Answer(7, {1, 2, 3, 4});
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
    EXPECT_EQ(FindAnswer(part, 7, kTwoRegisters).state,
              bytes < 2 ? RtuSearch::kNothing : RtuSearch::kBegun)
        << bytes;
  }
}

TEST(RtuFrameTest, PassesOverWhatIsNoAnswer) {
  const Bytes good = Answer(7, {1, 2, 3, 4});
  for (const Bytes& before :
       {Bytes{0}, Bytes{0xff, 7}, Bytes{7, 3}, Answer(6, {9, 9, 9, 9}), Answer(7, {9, 9}),
        RtuFrame(7, Bytes{0x04, 4, 9, 9, 9, 9}), RtuFrame(7, Bytes{0x84, 2})}) {
    const RtuFound found = FindAnswer(Joined({before, good}), 7, kTwoRegisters);
    EXPECT_EQ(found.state, RtuSearch::kWhole);
    EXPECT_EQ(found.pdu, (Bytes{3, 4, 1, 2, 3, 4}));
  }
}

TEST(RtuFrameTest, OneWrongBitIsNoAnswer) {
  const Bytes good = Answer(7, {1, 2, 3, 4});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(FindAnswer(bad, 7, kTwoRegisters).state, RtuSearch::kWhole) << bit;
  }
  Bytes bad = good;
  bad.back() ^= 1;
  EXPECT_EQ(FindAnswer(bad, 7, kTwoRegisters).state, RtuSearch::kDamaged);
}

}  // namespace
}  // namespace edgetwin::driver
