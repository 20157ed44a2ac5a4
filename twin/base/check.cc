// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace edgetwin {

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: bug: %s does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace edgetwin
