// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/stamp_clock.h"

#include <algorithm>
#include <string>

#include "drivers/sdk/sysfs/text.h"
#include "twin/base/utf8.h"

namespace edgetwin::iio {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

// A buffer is emptied several times a second; a machine may be suspended with scans in it.
constexpr std::chrono::hours kAgeMax{24};
constexpr std::chrono::seconds kAheadMax{1};

struct NamedClock {
  std::string_view name;
  clockid_t clock;
};

// iio_current_timestamp_clock_show of the kernel's industrialio-core.c.
constexpr NamedClock kClocks[] = {
    {"realtime", CLOCK_REALTIME},
    {"monotonic", CLOCK_MONOTONIC},
    {"monotonic_raw", CLOCK_MONOTONIC_RAW},
    {"realtime_coarse", CLOCK_REALTIME_COARSE},
    {"monotonic_coarse", CLOCK_MONOTONIC_COARSE},
    {"boottime", CLOCK_BOOTTIME},
    {"tai", CLOCK_TAI},
};

}  // namespace

Result<clockid_t> ParseStampClock(std::string_view text) {
  // Some of its texts the kernel gives with the zero that ends them.
  const std::string_view name = sysfs::Trimmed(text.substr(0, text.find('\0')));
  const auto* const found = std::ranges::find(kClocks, name, &NamedClock::name);
  if (found == std::end(kClocks)) {
    return Unsupported("'" + ToUtf8(name, 40) + "' is no clock that is known");
  }
  return found->clock;
}

std::int64_t NowNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::optional<microseconds> AgeOf(std::int64_t stamp_ns, std::int64_t now_ns) {
  if (stamp_ns <= 0) return std::nullopt;
  // Both are positive: nothing overflows.
  const nanoseconds age(now_ns - stamp_ns);
  if (age > kAgeMax || age < -kAheadMax) return std::nullopt;
  return std::max(duration_cast<microseconds>(age), microseconds(0));
}

}  // namespace edgetwin::iio
