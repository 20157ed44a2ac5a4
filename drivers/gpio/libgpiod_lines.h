// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// GPIO lines of the kernel, by libgpiod 1.6 and the character devices /dev/gpiochip*.

#pragma once

#include <vector>

#include "drivers/gpio/lines.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::gpio {

// Chips are looked for by label and name at each request, since their numbers change.
class LibgpiodLines final : public Lines {
 public:
  Result<std::unique_ptr<Line>> Request(const LineSpec& spec) override;
};

// What `gpioinfo` says of a chip.
struct ChipInfo {
  std::string name;   // "gpiochip0".
  std::string label;  // What stays the same.
  unsigned lines = 0;
  unsigned used = 0;               // By the kernel, or another program.
  std::vector<std::string> named;  // Lines that have a name and are free.
};

inline constexpr std::size_t kFoundChipsMax = 64;

// Requests no line. Fails when there are some and this user may open none.
Result<std::vector<ChipInfo>> ListChips();

driver::Found ToFound(const ChipInfo& chip);

}  // namespace edgetwin::gpio
