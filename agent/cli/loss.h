// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a store holds that goes when it is replaced.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/cli/failure.h"
#include "twin/model/batch.h"

namespace edgetwin::cli {

struct Loss {
  std::uint64_t revision = 0;  // Of the store.
  std::uint64_t kept = 0;      // The revision of what comes in its place; 0: nothing does.
  std::uint64_t values = 0;    // Reported ones that are newer in the store, or not in the other.
  std::vector<std::string> local_only;  // Those of them that the cloud never had.
  std::vector<std::string> overrides;   // In force, with their values; none outlives it.
  std::uint64_t decisions = 0;          // Statuses of what the cloud wants, as `values`.
  std::uint64_t events = 0;             // As `values`.
  std::uint64_t events_unsent = 0;      // Of these, those that the cloud hasn't got.
  std::uint64_t commands = 0;           // As `values`.
  std::uint64_t alarms = 0;             // In the store.
  std::uint64_t dictionary = 0;         // Entries more than the other has.
};

// The highest seq of anything of the device's own in it.
std::uint64_t RevisionOf(const model::Stored& stored);

// What goes when `other` takes the place of `store`.
Loss Compare(const model::Stored& store, const model::Stored& other);

Json LossJson(const Loss& loss);
// One line each.
std::vector<std::string> LossLines(const Loss& loss);

}  // namespace edgetwin::cli
