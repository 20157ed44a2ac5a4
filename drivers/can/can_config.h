// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A CAN instance's options. README.md describes each.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/can/signal.h"
#include "twin/base/config_node.h"
#include "twin/model/property.h"

namespace edgetwin::can {

// As many filters as the kernel takes for one socket (CAN_RAW_FILTER_MAX).
inline constexpr std::size_t kMessagesMax = 512;
inline constexpr std::size_t kSignalsMax = 10'000;  // An instance.

struct CanSignal {
  std::string name;
  SignalSpec spec;
  std::optional<std::uint64_t> multiplex;  // Only there while the message's multiplexor is this.
  std::optional<std::uint64_t> initial;    // Raw.
  model::PropertyDef def;
};

struct CanMessage {
  std::string name;
  std::uint32_t id = 0;  // With CAN_EFF_FLAG when it has 29 bits.
  int length = 8;        // Bytes.
  bool fd = false;       // How it is sent.
  bool bit_rate_switch = false;
  std::optional<SignalBits> multiplexor;
  std::chrono::milliseconds timeout{0};     // 0: silence is no news.
  std::chrono::milliseconds send_every{0};  // 0: only when written.
  bool send_from_start = false;
  std::vector<CanSignal> signals;
};

struct CanConfig {
  std::string interface;
  std::chrono::milliseconds period{1'000};
  std::chrono::milliseconds write_within{1'000};
  std::vector<CanMessage> messages;
};

// Every problem goes to `config.problems()`. Reads the DBC file, which is a part of the
// configuration; its problems are told with its own name and line.
CanConfig ReadCanConfig(ConfigReader& config);

}  // namespace edgetwin::can
