// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The examples of docs/HISTORY_FORMAT.md: blocks written by one release are read by all later ones.

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "twin/history/bits.h"
#include "twin/history/block.h"
#include "twin/history/integer_codes.h"
#include "twin/history/testing/series.h"
#include "twin/history/token_code.h"

namespace edgetwin::history {
namespace {

std::string Hex(const std::string& bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!hex.empty()) hex += ' ';
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::vector<model::Sample> Temperatures() {
  return EachSecond(std::vector<double>{21.5, 21.6, 21.6, 21.7, 21.6, 21.5, 21.5, 21.6});
}

TEST(HistoryFormatTest, AWorkedBlock) {
  EXPECT_EQ(Hex(*EncodeBlock(Temperatures(), 100)),
            "01 03 08 64 01 80 a0 d5 ed ee 66 d0 0f 01 02 02 ae 03 02 16 41 b4 d6 37 0c");
}

TEST(HistoryFormatTest, AWorkedBlockWithAnExceptionAndAQuality) {
  std::vector<model::Sample> samples = Temperatures();
  samples[5].value = model::Value(std::bit_cast<double>(0x7ff8'0000'0000'0000));
  samples[5].quality = model::Quality::kBad;
  EXPECT_EQ(Hex(*EncodeBlock(samples, 100)),
            "01 0b 08 64 01 80 a0 d5 ed ee 66 d0 0f 22 00 02 01 04 09 02 02 ae 03 02 16 51 22 00 "
            "09 01 04 00 80 80 80 80 80 80 80 f8 ff 01 f1 0d cd b9");
}

TEST(HistoryFormatTest, WorkedGolombCodes) {
  Writer out;
  WriteGolomb(out, std::vector<std::uint64_t>{40, 44, 39, 50});
  EXPECT_EQ(Hex(out.bytes()), "0a 91 32 3d 20");
}

TEST(HistoryFormatTest, AWorkedTokenCode) {
  const std::vector<std::uint64_t> values = {0, 0, 0, 0, 1, 1, 20, 0};
  Writer out;
  TokenCode(values).Write(out, values);
  EXPECT_EQ(Hex(out.bytes()), "00 10 fe dc 00 0f 05 70");
}

}  // namespace
}  // namespace edgetwin::history
