// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// GPIO lines of the kernel, by libgpiod 1.6 and the character devices /dev/gpiochip*.

#pragma once

#include "drivers/gpio/lines.h"

namespace edgetwin::gpio {

// Chips are looked for by label and name at each request, since their numbers change.
class LibgpiodLines final : public Lines {
 public:
  Result<std::unique_ptr<Line>> Request(const LineSpec& spec) override;
};

}  // namespace edgetwin::gpio
