// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Stories of what happens too seldom for chance: each holds the one accident that a guard is there
// for. When, where and how long things happen follows from the seed, and so does what comes after
// the story; what happens in it, and in which order, does not.

#pragma once

#include <string_view>
#include <vector>

#include "tests/sim/world.h"

namespace edgetwin::sim {

const std::vector<Accident>& Accidents();
// Null when there is none.
const Accident* FindAccident(std::string_view name);

}  // namespace edgetwin::sim
