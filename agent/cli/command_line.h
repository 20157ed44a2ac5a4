// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

namespace edgetwin::cli {

// The technician's command line, `edgetwin`; returns the program's exit code (man 1 edgetwin).
int RunCommandLine(int argc, char** argv);

}  // namespace edgetwin::cli
