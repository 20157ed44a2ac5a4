// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The least that a backlog's delivery can be: a yardstick without any of our features.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace edgetwin::bench {

struct RawDelivery {
  int messages = 0;  // That were answered.
  double seconds = 0;
};

// Messages of so many bytes over the broker on `port` by libmosquitto at QoS 0, one under way at a
// time: the receiver commits each as a row (WAL, FULL) in `file`, and answers.
RawDelivery DeliverRaw(std::uint16_t port, const std::string& file, std::size_t message_bytes,
                       int messages);

}  // namespace edgetwin::bench
