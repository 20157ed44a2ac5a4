// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What can still be read of a damaged history.

#pragma once

#include <cstdint>
#include <string>

#include "twin/base/result.h"
#include "twin/history/store/history_store.h"

namespace edgetwin::history {

struct Salvaged {
  std::uint64_t blocks = 0;
  std::uint64_t samples = 0;
};

struct SalvageOptions {
  std::string vfs = {};
  bool blocks = true;  // False: none is copied, all that it knows of is lost.
  // Of a process that had `from` open and has ended: so many samples of a path may have been in its
  // memory, unless `from` can be read to say how many, or that it was closed well.
  std::uint64_t window_samples_max = 0;
  WallTime now{};  // When that was found.
};

// Copies into `to`, a new and empty store, every block of the file `from` that is found whole;
// `from` stays as it is. All other ordinals up to the last one known are lost as kDamaged, as an
// upper bound: evicted or lost before, they may have been accounted for in a part that is gone. An
// error is one of `to`; what `from` lacks is none.
Result<Salvaged> Salvage(const std::string& from, HistoryStore& to,
                         const SalvageOptions& options = {});

}  // namespace edgetwin::history
