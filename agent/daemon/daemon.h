// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

namespace edgetwin {

// The agent as a daemon, `edgetwind`, until it is told to stop; returns the program's exit code
// (man 8 edgetwind).
int RunDaemon(int argc, char** argv);

}  // namespace edgetwin
