// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/w1/w1_text.h"

#include <algorithm>
#include <limits>
#include <string>

#include "drivers/sdk/sysfs/text.h"
#include "twin/base/utf8.h"
#include "twin/model/value.h"

namespace edgetwin::w1 {
namespace {

constexpr std::size_t kIdBytes = 15;
constexpr std::size_t kScratchpadBytes = 9;
constexpr std::size_t kShownBytesMax = 60;

// 3b is both the DS1825 and the MAX31850, a thermocouple's.
constexpr Family kFamilies[] = {
    {"10", "DS18S20", -55'000, 125'000},  {"22", "DS1822", -55'000, 125'000},
    {"28", "DS18B20", -55'000, 125'000},  {"3b", "DS1825 or MAX31850", -270'000, 1'800'000},
    {"42", "DS28EA00", -55'000, 125'000},
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<int> HexByte(std::string_view word) {
  if (word.size() != 2 || HexDigit(word[0]) < 0 || HexDigit(word[1]) < 0) return std::nullopt;
  return HexDigit(word[0]) * 16 + HexDigit(word[1]);
}

std::optional<std::int32_t> Thousandths(std::string_view text) {
  const std::optional<std::int64_t> number = sysfs::ParseSigned(text);
  if (!number || *number < std::numeric_limits<std::int32_t>::min() ||
      *number > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*number);
}

Error NoSlaveText(std::string_view text) {
  std::string shown = ToUtf8(sysfs::Trimmed(text), kShownBytesMax);
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  return Corrupt("'" + shown + "' is no w1_slave text");
}

}  // namespace

std::optional<Family> FamilyOf(std::string_view id) {
  if (id.size() != kIdBytes || id[2] != '-') return std::nullopt;
  for (const char c : id.substr(3)) {
    if (HexDigit(c) < 0) return std::nullopt;
  }
  for (const Family& family : kFamilies) {
    if (id.starts_with(family.code)) return family;
  }
  return std::nullopt;
}

Result<std::int32_t> ParseSlaveText(std::string_view text) {
  std::string_view rest = text;
  std::string_view first = sysfs::TakeLine(rest);
  const std::string_view second = sysfs::Trimmed(sysfs::TakeLine(rest));
  bool all_zero = true;
  for (std::size_t i = 0; i < kScratchpadBytes; ++i) {
    const std::optional<int> byte = HexByte(sysfs::TakeWord(first));
    if (!byte) return NoSlaveText(text);
    all_zero = all_zero && *byte == 0;
  }
  const std::string_view colon = sysfs::TakeWord(first);
  const std::string_view crc = sysfs::TakeWord(first);
  const std::string_view verdict = sysfs::TakeWord(first);
  if (colon != ":" || !crc.starts_with("crc=") || !HexByte(crc.substr(4))) return NoSlaveText(text);
  if (verdict == "NO") return Corrupt("the sensor's answer has a wrong CRC");
  if (verdict != "YES") return NoSlaveText(text);
  if (all_zero) return Corrupt("the bus reads zeros only: it is shorted, or has no power");
  const std::size_t at = second.rfind("t=");
  if (at == second.npos) return NoSlaveText(text);
  const std::optional<std::int32_t> value = Thousandths(second.substr(at + 2));
  if (!value) return NoSlaveText(text);
  return *value;
}

Result<std::int32_t> ParseTemperatureText(std::string_view text) {
  const std::string_view number = sysfs::Trimmed(text);
  if (number.empty()) return Unavailable("there is no value yet: the sensor measures");
  const std::optional<std::int32_t> value = Thousandths(number);
  if (!value) return Corrupt("'" + ToUtf8(number, kShownBytesMax) + "' is no temperature");
  return *value;
}

Status CheckRange(const Family& family, std::int32_t thousandths) {
  if (thousandths >= family.min && thousandths <= family.max) return {};
  return Corrupt(model::Format(model::Value(thousandths / 1000.0)) + " °C is nothing that a " +
                 std::string(family.name) + " can measure: its wires may be broken");
}

}  // namespace edgetwin::w1
