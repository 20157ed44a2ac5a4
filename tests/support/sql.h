// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Changes a store behind the back of the programs.

#pragma once

#include <string>

namespace edgetwin::tests {

// Runs statements on a database that nobody has open. Returns what went wrong; empty: nothing.
std::string RunSql(const std::string& file, const std::string& statements);

}  // namespace edgetwin::tests
