// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs a program to its end, and what it said.

#pragma once

#include <string>
#include <vector>

namespace edgetwin::tests {

struct Ran {
  int exit = -1;  // -1: it took longer than a minute.
  std::string out;
  std::string err;
};

// Its streams are files, as in a pipe. args[0]: the program.
Ran RunCommand(std::vector<std::string> args, std::vector<std::string> env = {});

}  // namespace edgetwin::tests
