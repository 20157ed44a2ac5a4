// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Where a broker is.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::mqtt {

struct BrokerUrl {
  std::string host;
  std::uint16_t port = 1883;
  bool tls = false;
  std::string text;  // As configured.
};
// "mqtt://host[:port]", "mqtts://…", "[v6]" hosts. kUnsupported for ws:// and wss://:
// libmosquitto 2.0 has no websockets client.
Result<BrokerUrl> ParseBrokerUrl(std::string_view url);

}  // namespace edgetwin::mqtt
