// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Where the bytes of a packet go.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/mqtt_tap.h"

namespace edgetwin::bench {

// The top-level fields of an encoded protobuf message in the order they stand, by name where it is
// one of Frame's that are often sent, and the bytes of each, tag and length included. What is no
// protobuf is one field "?".
std::vector<std::pair<std::string, std::size_t>> FieldsOf(std::string_view message);
bool HasField(std::string_view message, std::string_view name);

// "up   46: header and topic 26, session 3, to 3, …"
std::string Explain(const MqttPacket& packet);

}  // namespace edgetwin::bench
