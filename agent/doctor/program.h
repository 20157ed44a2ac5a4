// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs a program of this machine, such as systemctl, and takes what it says.

#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::doctor {

struct ProgramRun {
  int exit = -1;     // 128 and the signal's number if one ended it.
  std::string out;   // Both its streams.
  bool cut = false;  // It said more than was taken.
};

// To its end, without a shell, with an empty standard input; args[0] is looked for in PATH. What is
// said beyond `bytes_max` is passed over. kNotFound: there is no such program. kTimeout: it took
// longer, and was killed. Blocking.
Result<ProgramRun> RunProgram(const std::vector<std::string>& args,
                              std::chrono::milliseconds at_most, std::size_t bytes_max);

}  // namespace edgetwin::doctor
