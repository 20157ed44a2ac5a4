// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The long form: batches of all profiles' seeds and of crash points, whichever is furthest from
// what a release needs, until its time is over; each goes into the ledger when it is whole.

#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

#include "tests/sim/tally.h"
#include "twin/base/result.h"

namespace edgetwin::sim {

struct LongOptions {
  std::string ledger;  // A file, made when it is missing. Its folder must be there.
  std::chrono::seconds length{0};
  std::size_t at_once = 1;
  std::string commit;
};

// Its error: a ledger that can't be read or written, or that another run is writing. Violations are
// told, and are no error.
Status RunLong(const LongOptions& options, std::ostream& progress);

}  // namespace edgetwin::sim
