// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Whether the simulator would notice: each guard is switched off in turn, and a named invariant has
// to fail.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/guard.h"

namespace edgetwin::sim {

std::string_view ToString(Guard guard);
std::optional<Guard> FindGuard(std::string_view name);
// Where it matters most: a profile or an accident.
std::string_view ProfileOf(Guard guard);

struct MutationReport {
  Guard guard{};
  int invariant = 0;  // That failed; 0: none did.
  std::string text;
  std::uint64_t seeds = 0;    // Tried, the failing one included.
  std::uint64_t seed = 0;     // The failing one …
  std::string profile;        // … and its profile, or its accident.
  std::uint64_t died = 0;     // Seeds that an assertion ended.
  std::uint64_t skipped = 0;  // That fail without the mutation, too.
  std::string waits_for;      // It can't show before that is there: not tried.

  bool missed() const { return invariant == 0 && waits_for.empty(); }
};

// `only` empty: every guard. At most `seeds_max` seeds each.
std::vector<MutationReport> RunMutations(std::string_view only, std::uint64_t seeds_max,
                                         std::size_t at_once,
                                         const std::function<void(const MutationReport&)>& done);

}  // namespace edgetwin::sim
