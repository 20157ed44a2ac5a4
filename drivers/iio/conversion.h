// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// From a channel's raw number to its value.

#pragma once

#include <optional>
#include <string>

#include "drivers/sdk/sysfs/channel_bus.h"

namespace edgetwin::iio {

// As it stood when it was read.
struct Line {
  double offset = 0;
  double slope = 1;
  // Not finite: too large.
  double Of(double raw) const { return (raw + offset) * slope; }
};

// (raw + offset) · scale · factor.
class Conversion {
 public:
  // Files; empty when there is none.
  Conversion(const std::string& offset, const std::string& scale, double factor);

  // Reads both files: whoever switches a converter's range changes them.
  Result<Line> Read(sysfs::ReadBuffer& buffer);

 private:
  std::optional<sysfs::KeptFile> offset_;
  std::optional<sysfs::KeptFile> scale_;
  double factor_;
};

}  // namespace edgetwin::iio
