// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Waits for what other processes do: nothing here tells when it is done.

#pragma once

#include <functional>

namespace edgetwin::tests {

// Looks every 20 ms, for so long at most; false when it did not come true.
bool Until(const std::function<bool()>& done, double seconds);

}  // namespace edgetwin::tests
