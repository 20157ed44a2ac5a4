// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a profile's worlds are to show: which kinds of faults must have happened in them, and which
// invariants have had nothing to check, and why.

#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/invariants.h"
#include "tests/sim/profile.h"

namespace edgetwin::sim {

struct Expected {
  // By the names that reports have for them: of faults, and of what people ask for.
  std::vector<std::string> faults;
  std::vector<std::string> asked;
  // Why an invariant is not checked; empty: it must be.
  std::array<std::string_view, kInvariants + 1> exempt{};
};

Expected ExpectedOf(const Profile& profile);

}  // namespace edgetwin::sim
