// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Where a Modbus bus is reached over TCP.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::driver {

inline constexpr std::uint16_t kModbusPort = 502;

struct Endpoint {
  std::string host;  // A name or an address, without brackets.
  std::uint16_t port = kModbusPort;
  std::string ToString() const;  // "tcp://host:port".
};

// "tcp://host", "tcp://host:port" or "tcp://[v6 address]:port". kInvalid says what is wrong with
// it.
Result<Endpoint> ParseEndpoint(std::string_view text);

}  // namespace edgetwin::driver
