// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Where to listen, as people write it.

#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "twin/base/result.h"

namespace edgetwin::http {

// "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80".
Result<std::pair<std::string, std::uint16_t>> ParseListen(const std::string& text);

// Whether nobody beyond this machine reaches that address: of 127.0.0.0/8 or ::1, in numbers.
bool IsLoopback(const std::string& address);

}  // namespace edgetwin::http
