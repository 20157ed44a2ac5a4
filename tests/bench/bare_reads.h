// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What drivers are measured beside: the least that reads the same device with the same library, or
// file, and gives a number. No errors are told apart, nothing is tried again, nobody is waited for
// beside it.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/storm/storm.h"

namespace edgetwin::bench {

class BareRead {
 public:
  virtual ~BareRead() = default;
  // Blocks until there is one value; false when there is none.
  virtual bool Next() = 0;
};

// Null for a kind that there is none of.
std::unique_ptr<BareRead> MakeBareRead(const tests::StormInstance& instance);

}  // namespace edgetwin::bench
