// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Time stamps of scans: nanoseconds of the clock that current_timestamp_clock names.

#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::iio {

// What the file holds, with a line's end or without. kUnsupported: the kernel knows a clock that we
// don't.
Result<clockid_t> ParseStampClock(std::string_view text);

std::int64_t NowNs(clockid_t clock);

// How long ago the stamp was, for what was read at `now_ns`. Nothing when it can't be right: no
// stamp at all, more than a second ahead (the clock was set back), or older than a scan gets.
std::optional<std::chrono::microseconds> AgeOf(std::int64_t stamp_ns, std::int64_t now_ns);

}  // namespace edgetwin::iio
