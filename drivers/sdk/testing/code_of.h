// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Looking into a Result in a test, whether it is a failure or not.

#pragma once

#include <optional>

#include "twin/base/result.h"

namespace edgetwin::driver::testing {

// The failure's code; nothing for a success, of which error() must not be asked.
template <class T>
std::optional<ErrorCode> CodeOf(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

}  // namespace edgetwin::driver::testing
