// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What others would write to send the same values in one message, on libmosquitto alone, over the
// same broker and counted by the same tap. None of them has versions, or an ack of more than the
// broker.

#pragma once

#include <string>
#include <vector>

#include "tests/bench/mqtt_tap.h"

namespace edgetwin::bench {

struct WireValue {
  std::size_t property = 0;
  double value = 0;
  std::int64_t time_ms = 0;  // Unix.
};

struct PeerMessage {
  std::string name;  // "naive_protobuf_qos1".
  std::string label;
  std::string topic;
  std::string payload;
  int qos = 0;
};

// All peers' messages for these values, with one time stamp for all of them or one each. Decimals
// below 0: doubles of full precision.
std::vector<PeerMessage> PeerMessages(const std::string& device,
                                      const std::vector<WireValue>& values, int decimals,
                                      bool one_time);

// Publishes it through the tap as MQTT 3.1.1, and returns what that took on the wire, CONNECT and
// DISCONNECT apart. 0 when the broker did not take it.
std::size_t PublishThrough(MqttTap& tap, const PeerMessage& message);

}  // namespace edgetwin::bench
