// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which requests read a unit's registers. Pure.

#pragma once

#include <cstddef>
#include <vector>

#include "drivers/modbus/register.h"

namespace edgetwin::driver {

struct ReadLimits {
  int gap_max =
      8;  // Addresses between two values that are read for nothing rather than in two requests.
  int registers_max = 125;  // A request; what the protocol allows.
  int bits_max = 2'000;
};

struct PlannedValue {
  RegisterSpec spec;
  std::size_t property = 0;  // Whatever the caller numbers.
};

// One read request: a run of addresses of one table, and the values in it by address.
struct ReadGroup {
  TableKind kind = TableKind::kHolding;
  int address = 0;
  int count = 0;
  std::vector<PlannedValue> values;
};

// Every value is in exactly one group and never cut in two.
std::vector<ReadGroup> PlanReads(std::vector<PlannedValue> values, const ReadLimits& limits);

// The two parts of a group that a device refused: cut at its widest gap, or in the middle when it
// has none. `group` holds at least two values. Values that overlap stay together: when no cut is
// possible, the group itself is given back.
std::vector<ReadGroup> Split(const ReadGroup& group);

}  // namespace edgetwin::driver
