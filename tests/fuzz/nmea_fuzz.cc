// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a serial line brings that should be NMEA 0183, in two pieces, cut where the first byte says.
// The checksum of each line is made right as well, or nearly nothing would get past it.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "drivers/nmea/nmea_lines.h"
#include "drivers/nmea/nmea_sentence.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace edgetwin::nmea {
namespace {

void CheckReading(const Reading& reading) {
  if (!reading.value) return;
  const double value = *reading.value;
  EDGETWIN_CHECK(std::isfinite(value));
  switch (reading.quantity) {
    case Quantity::kLatitude: EDGETWIN_CHECK(std::abs(value) <= 90); break;
    case Quantity::kLongitude: EDGETWIN_CHECK(std::abs(value) <= 180); break;
    case Quantity::kCourse: EDGETWIN_CHECK(value >= 0 && value <= 360); break;
    case Quantity::kFixQuality: EDGETWIN_CHECK(value >= 0 && value <= 9); break;
    case Quantity::kTime: EDGETWIN_CHECK(std::abs(value) < 1e12); break;
    default: break;
  }
}

void Judge(std::string_view line) {
  EDGETWIN_CHECK(line.size() <= kLineBytesMax);
  const auto readings = ReadSentence(line);
  if (!readings) {
    const std::string& text = readings.error().text;
    EDGETWIN_CHECK(!text.empty() && Utf8ValidBytes(text) == text.size());
    return;
  }
  for (const Reading& reading : *readings) CheckReading(reading);
}

// The line as a sentence whose checksum is right.
std::string Sealed(std::string_view line) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const std::string body(line.substr(0, std::min(line.find('*'), kLineBytesMax - 4)));
  unsigned sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  return "$" + body + "*" + kDigits[sum / 16 % 16] + kDigits[sum % 16];
}

}  // namespace
}  // namespace edgetwin::nmea

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin::nmea;  // NOLINT: this file is about nothing else.
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = std::min<std::size_t>(data[0], bytes.size());
  Lines lines;
  const auto each = [](std::string_view line) {
    EDGETWIN_CHECK(!line.empty() && line.find_first_of("\r\n") == line.npos);
    Judge(line);
    Judge(Sealed(line.substr(line.front() == '$' ? 1 : 0)));
  };
  lines.Add(bytes.substr(0, cut), each);
  lines.Add(bytes.substr(cut), each);
  return 0;
}
