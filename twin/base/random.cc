// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/random.h"

#include <sys/random.h>

#include "twin/base/check.h"

namespace edgetwin {

std::uint64_t RandomBits() {
  std::uint64_t bits = 0;
  EDGETWIN_CHECK(getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits));
  return bits;
}

std::uint64_t RandomBelow(std::uint64_t below) {
  return below == 0 ? 0 : RandomBits() % below;
}

}  // namespace edgetwin
