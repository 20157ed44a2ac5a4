// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Whether what is written to a folder ends on something that wears.

#pragma once

#include <string>

#include "twin/base/result.h"

namespace edgetwin::bench {

// The file system's name, for people. Writes a page to the folder to see that the kernel counts it.
// kNotFound: no folder; kUnsupported: it lies in memory, or the kernel counts nothing that is
// written there; kUnavailable: nothing can be written there.
Result<std::string> FileSystemOf(const std::string& folder);

}  // namespace edgetwin::bench
