// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// MQTT reason codes in words for people.

#pragma once

#include <string>

#include "twin/base/result.h"

namespace edgetwin::mqtt {

// A reason code of MQTT 5 (2.4), also fit for SUBACK's 0x80 of 3.1.1: "not authorized, 0x87".
std::string ReasonText(int reason);

// What a CONNACK that refuses says. `protocol`: 5, or 4, where the codes 1 to 5 mean something
// else. kPermission: credentials; kUnsupported: the MQTT version; else kUnavailable.
Error ConnackError(int reason, int protocol, const std::string& broker, const std::string& username,
                   const std::string& client_id);

}  // namespace edgetwin::mqtt
