// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Times as files and messages have them, in text.

#pragma once

#include <string_view>

#include "twin/base/clock.h"
#include "twin/base/result.h"

namespace edgetwin::driver {

enum class TimeFormat {
  kAuto,  // ISO 8601 when there is a dash after the year, else seconds; milliseconds from 10^11
          // (year 5138 in seconds).
  kIso,   // "2026-09-21T10:00:00.5+02:00", "2026-09-21 10:00:00", "2026-09-21 10:00", "2026-09-21";
          // UTC without a zone.
  kSeconds,  // Since 1970, with a fraction or without.
  kMilliseconds,
};

// To the millisecond, from the year 1 to 9999; kInvalid for anything else, which includes the 30th
// of February.
Result<WallTime> ParseTime(std::string_view text, TimeFormat format);

}  // namespace edgetwin::driver
