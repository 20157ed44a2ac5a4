// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile text where sensors and the names of their files are read: chips answer nonsense, and so
// do cheap copies of them. The first byte chooses. None may crash; what is refused is refused with
// words.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "drivers/iio/channel_name.h"
#include "drivers/iio/scan_layout.h"
#include "drivers/iio/stamp_clock.h"
#include "drivers/sdk/sysfs/text.h"
#include "drivers/w1/w1_text.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace edgetwin {
namespace {

void SlaveText(std::string_view text) {
  const Result<std::int32_t> value = w1::ParseSlaveText(text);
  if (value) {
    // Never a temperature without the kernel's word that the CRC is good.
    EDGETWIN_CHECK(text.find("YES") != text.npos);
    EDGETWIN_CHECK(text.find("t=") != text.npos);
    return;
  }
  EDGETWIN_CHECK(!value.error().text.empty());
  EDGETWIN_CHECK(Utf8ValidBytes(value.error().text) == value.error().text.size());
}

void TemperatureText(std::string_view text) {
  const Result<std::int32_t> value = w1::ParseTemperatureText(text);
  if (!value) EDGETWIN_CHECK(Utf8ValidBytes(value.error().text) == value.error().text.size());
}

void Id(std::string_view text) {
  if (w1::FamilyOf(text)) EDGETWIN_CHECK(text.size() == 15);
}

void ChannelName(std::string_view text) {
  const auto channel = iio::ParseChannelName(text);
  if (!channel) return;
  EDGETWIN_CHECK(text.find('/') == text.npos);
  for (const auto& file : iio::AttributeFiles(*channel, "scale")) {
    EDGETWIN_CHECK(file.find('/') == file.npos);
  }
  EDGETWIN_CHECK(std::isfinite(iio::UnitOf(channel->type).factor));
}

// Lines are the types of a scan's elements, the last one its time stamp's; behind an empty line
// stand scans. No element may reach out of its scan, whatever they say.
void Scans(std::string_view text) {
  std::vector<iio::ScanElement> elements;
  std::optional<iio::ElementType> timestamp;
  for (std::string_view line = sysfs::TakeLine(text); !line.empty(); line = sysfs::TakeLine(text)) {
    const Result<iio::ElementType> type = iio::ParseElementType(line);
    if (!type) {
      EDGETWIN_CHECK(Utf8ValidBytes(type.error().text) == type.error().text.size());
      return;
    }
    EDGETWIN_CHECK(type->bits >= 1 && type->bits + type->shift <= type->storage_bits);
    if (timestamp) elements.push_back({elements.size(), *timestamp});
    timestamp = *type;
  }
  const Result<iio::ScanLayout> layout = iio::LayOut(elements, timestamp);
  if (!layout) return;
  for (; text.size() >= layout->bytes; text.remove_prefix(layout->bytes)) {
    // Copied to its own size, so that the address sanitizer sees what is read beyond.
    const std::vector<std::uint8_t> scan(text.begin(),
                                         text.begin() + static_cast<long>(layout->bytes));
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const double raw = iio::RawNumber(elements[i].type, scan.data() + layout->at[i]);
      EDGETWIN_CHECK(std::abs(raw) <= std::ldexp(1.0, static_cast<int>(elements[i].type.bits)));
    }
    if (!layout->timestamp_at) continue;
    (void)iio::AgeOf(iio::RawInteger(*timestamp, scan.data() + *layout->timestamp_at),
                     1'700'000'000'000'000'000);
  }
}

void Numbers(std::string_view text) {
  const auto number = sysfs::ParseDouble(sysfs::Trimmed(text));
  if (number) EDGETWIN_CHECK(std::isfinite(*number));
  (void)sysfs::ParseSigned(text);
  (void)sysfs::NumberIn(text, "temp", "_input");
}

}  // namespace
}  // namespace edgetwin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin;  // NOLINT: this file is about nothing else.
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0: SlaveText(text); break;
    case 1: TemperatureText(text); break;
    case 2: Id(text); break;
    case 3: ChannelName(text); break;
    case 5: Scans(text); break;
    default: Numbers(text);
  }
  return 0;
}
