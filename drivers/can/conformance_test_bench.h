// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the conformance suite needs to know of a CAN bus, real or not. On it is a pump, which tells
// its speed by itself, and takes a command that the driver hears back.

#pragma once

#include <linux/can.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "drivers/sdk/conformance/conformance.h"

namespace edgetwin::can {

class PumpBench : public driver::testing::Bench {
 public:
  explicit PumpBench(std::string interface) : interface_(std::move(interface)) {}

  // Laid out here: a DBC file would be part of the configuration, which Init reads.
  std::string options() const override {
    return "interface = \"" + interface_ + R"("
period = "0"
write_within = "30s"
[[message]]
name = "state"
id = 16
timeout = "500ms"
[[message.signal]]
name = "speed"
start = 0
length = 16
factor = 0.5
[[message.signal]]
name = "runs"
start = 16
length = 1
[[message]]
name = "command"
id = 17
[[message.signal]]
name = "setpoint"
start = 0
length = 12
writable = true
)";
  }
  std::vector<std::string> mistakes() const override {
    return {"period = \"soon\"", "write_within = \"1ms\"", "dbc = \"pump.dbc\"", "check_range = 1"};
  }
  std::vector<std::string> paths() const override {
    return {"conformance/state/speed", "conformance/state/runs"};
  }
  // The bus is there, and nobody says anything on it.
  bool Hang() override { return silent_ = true; }
  void Resume() override { silent_ = false; }
  std::optional<Writing> writing() const override {
    return Writing{"conformance/command/setpoint", model::Value(std::int64_t{1'200}),
                   model::Value(std::int64_t{4'096})};
  }

 protected:
  bool silent() const { return silent_; }
  // 1450.5, and it runs.
  static canfd_frame State() {
    canfd_frame frame{};
    frame.can_id = 16;
    frame.len = 3;
    frame.data[0] = 0x55;
    frame.data[1] = 0x0b;
    frame.data[2] = 1;
    return frame;
  }

 private:
  const std::string interface_;
  std::atomic<bool> silent_ = false;
};

}  // namespace edgetwin::can
