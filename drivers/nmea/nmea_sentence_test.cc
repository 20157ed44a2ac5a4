// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/nmea/nmea_sentence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace edgetwin::nmea {
namespace {

using ::testing::HasSubstr;

std::string Sentence(const std::string& body) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::size_t sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  return "$" + body + "*" + kDigits[sum / 16] + kDigits[sum % 16];
}

// The value that the sentence gives for it; nothing when it says none or nothing of it.
std::optional<double> ValueIn(const std::string& body, Quantity quantity) {
  const auto readings = ReadSentence(Sentence(body));
  EXPECT_TRUE(readings) << body << ": " << readings.error().text;
  if (!readings) return {};
  for (const Reading& reading : *readings) {
    if (reading.quantity == quantity) return reading.value;
  }
  return {};
}

std::string ErrorIn(const std::string& body) {
  const auto readings = ReadSentence(Sentence(body));
  return readings ? ""
                  : std::string(ToString(readings.error().code)) + ": " + readings.error().text;
}

TEST(NmeaSentenceTest, TheChecksumDecides) {
  // Of NMEA 0183's own example of GGA.
  const std::string good = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47";
  EXPECT_TRUE(ReadSentence(good));
  for (std::size_t bit = 0; bit < good.size() * 7; ++bit) {
    std::string bad = good;
    bad[bit / 7] = static_cast<char>(bad[bit / 7] ^ (1 << bit % 7));
    if (bad[bit / 7] == '\n') continue;
    const auto readings = ReadSentence(bad);
    EXPECT_FALSE(readings) << bad;
    EXPECT_TRUE(readings || readings.error().code == ErrorCode::kCorrupt) << bad;
  }
  for (const char* line : {"", "$", "*00", "$*", "$*0", "$*00x", "$GPGGA", "!AIVDM,1*00"}) {
    EXPECT_FALSE(ReadSentence(line)) << line;
  }
  EXPECT_TRUE(ReadSentence("$*00"));  // Says nothing, rightly.
  for (const char* body : {"GPVTG,1\x01", "GPVTG,1\x7f", "GPVTG,1\xff"}) {
    const auto readings = ReadSentence(Sentence(body));
    EXPECT_FALSE(readings || readings.error().code != ErrorCode::kCorrupt) << body;
  }
}

TEST(NmeaSentenceTest, AnglesAreDegreesAndMinutes) {
  const auto latitude = [](const std::string& text) {
    return ValueIn("GPGLL," + text + ",00000.0,E,120000,A", Quantity::kLatitude);
  };
  EXPECT_DOUBLE_EQ(latitude("4717.112671,N").value(), 47 + 17.112671 / 60);
  EXPECT_DOUBLE_EQ(latitude("0000.6,S").value(), -0.01);
  EXPECT_DOUBLE_EQ(latitude("9000.0,S").value(), -90);
  EXPECT_DOUBLE_EQ(ValueIn("GPGLL,0,N,18000.00,W,120000,A", Quantity::kLongitude).value(), -180);
  for (const char* text : {"9000.1,N", "4760.0,N", "-4717.0,N", "47 17.0,N", "1e3,N", "inf,N",
                           "4717.0,", "4717.0,E", "4717.0,NS", "0x10,N"}) {
    EXPECT_THAT(ErrorIn(std::string("GPGLL,") + text + ",00000.0,E,120000,A"),
                HasSubstr("invalid: '"))
        << text;
  }
}

TEST(NmeaSentenceTest, SpeedIsInMetresASecond) {
  EXPECT_DOUBLE_EQ(ValueIn("GPVTG,,T,,M,3600,N,,K,A", Quantity::kSpeed).value(), 1852);
  EXPECT_DOUBLE_EQ(ValueIn("GPVTG,359.9,T,,M,0,N,,K", Quantity::kCourse).value(), 359.9);
  EXPECT_THAT(ErrorIn("GPVTG,360.1,T,,M,0,N,,K"), HasSubstr("'360.1' in field 1 of GPVTG"));
}

TEST(NmeaSentenceTest, TimeIsTheDatesAndTheDays) {
  const auto time = [](const std::string& time_text, const std::string& date) {
    return ValueIn("GPRMC," + time_text + ",A,0,N,0,E,0,0," + date + ",,", Quantity::kTime);
  };
  EXPECT_EQ(time("000000", "010100"), 946'684'800);
  EXPECT_EQ(time("235959.999", "281126"), 1'795'910'399);
  EXPECT_EQ(time("235960", "311216"), 1'483'228'800);  // A leap second is the next one's.
  EXPECT_EQ(time("120000", "290224"), 1'709'208'000);
  EXPECT_EQ(time("225446", "191194"), 785'285'686);
  EXPECT_EQ(time("120000", ""), std::nullopt);
  EXPECT_EQ(ValueIn("GPZDA,120000.00,29,02,2024,00,00", Quantity::kTime), 1'709'208'000);
  EXPECT_EQ(ValueIn("GPRMC,120000,V,,,,,,,290224,,", Quantity::kTime), std::nullopt);
  for (const char* body : {"GPZDA,120000,29,02,2023,,", "GPZDA,120000,00,01,2023,,",
                           "GPZDA,126000,01,01,2023,,", "GPZDA,240000,01,01,2023,,",
                           "GPZDA,120000,1.5,01,2023,,", "GPRMC,120000,A,,,,,,,320124,,"}) {
    EXPECT_THAT(ErrorIn(body), HasSubstr("invalid: ")) << body;
  }
}

TEST(NmeaSentenceTest, WithoutAFixNothingOfItIsKnown) {
  for (const char* body :
       {"GPRMC,120000,V,4717.0,N,00833.0,E,1.0,77.0,090126,,",
        "GPGGA,120000,4717.0,N,00833.0,E,0,04,1.0,499,M,,,,", "GPGLL,4717.0,N,00833.0,E,120000,V",
        "GPVTG,77,T,,M,1,N,2,K,N", "GPGSA,A,1,,,,,,,,,,,,,1.0,1.0,1.0"}) {
    const auto readings = ReadSentence(Sentence(body));
    ASSERT_TRUE(readings) << body;
    EXPECT_FALSE(readings->empty());
    for (const Reading& reading : *readings) {
      if (reading.quantity == Quantity::kFixQuality || reading.quantity == Quantity::kFixMode ||
          reading.quantity == Quantity::kSatellites) {
        continue;
      }
      EXPECT_EQ(reading.value, std::nullopt) << body << " " << static_cast<int>(reading.quantity);
    }
  }
}

TEST(NmeaSentenceTest, OtherSentencesSayNothing) {
  for (const char* body : {"PUBX,00,1", "GPGSV,1,1,00", "GGA,1,2,3", "GPGGAX,1", "GPXXX", ""}) {
    const auto readings = ReadSentence(Sentence(body));
    ASSERT_TRUE(readings) << body;
    EXPECT_TRUE(readings->empty()) << body;
  }
}

}  // namespace
}  // namespace edgetwin::nmea
