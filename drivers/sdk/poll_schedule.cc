// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/poll_schedule.h"

#include <algorithm>

namespace edgetwin::driver {

void PollSchedule::Done(MonoTime now) {
  const std::int64_t late = std::max<std::int64_t>(0, (now - due_).count());
  const std::int64_t slots =
      std::max<std::int64_t>(1, (late + period_.count() - 1) / period_.count());
  due_ += slots * period_;
  missed_ += static_cast<std::uint64_t>(slots - 1);
}

}  // namespace edgetwin::driver
