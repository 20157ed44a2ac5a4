// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Assertions for bugs. They are on in release builds: a wrong twin is worse than a restart.

#pragma once

namespace edgetwin {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace edgetwin

#define EDGETWIN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::edgetwin::CheckFailed(#condition, __FILE__, __LINE__))
