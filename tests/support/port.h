// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Ports on 127.0.0.1.

#pragma once

#include <chrono>
#include <cstdint>

namespace edgetwin::tests {

// A port nobody listens on now.
std::uint16_t FreePort();

// Whether somebody accepts on `port` within the time given.
bool WaitForPort(std::uint16_t port, std::chrono::milliseconds at_most);

}  // namespace edgetwin::tests
