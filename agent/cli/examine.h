// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What doctor and bundle have in common.

#pragma once

#include "agent/cli/commands.h"
#include "agent/doctor/finding.h"

namespace edgetwin::cli {

struct Examined {
  Places places;
  doctor::Findings findings;
};

// Asks the daemon at `places.socket`, and looks at everything else itself.
Outcome<Examined> Examine(const Output& out, const DoctorArguments& arguments);

}  // namespace edgetwin::cli
