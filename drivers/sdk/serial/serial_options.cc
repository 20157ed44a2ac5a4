// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/serial/serial_options.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "drivers/sdk/serial/serial_port.h"

namespace edgetwin::serial {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRtsDelayMax{100};       // Of the kernel: RS485_MAX_RTS_DELAY.
constexpr std::size_t kDeviceBytesMax = 4'096;  // PATH_MAX.

void ReadDevice(ConfigReader& config, PortOptions& options) {
  if (!config.Require("device")) return;
  const std::string device = config.String("device", {});
  if (!device.starts_with("/") || device.size() >= kDeviceBytesMax ||
      device.find('\0') != device.npos) {
    return config.Problem("device", "'" + device + "' is no device's path such as " +
                                        "\"/dev/serial/by-id/usb-…\" or \"/dev/ttyS0\"");
  }
  options.device = std::filesystem::path(device).lexically_normal();
}

void ReadRs485(ConfigReader& config, PortOptions& options) {
  const bool on = config.Bool("rs485", false);
  if (!on) {
    for (const char* key : {"rs485_rts", "rs485_delay_before", "rs485_delay_after"}) {
      if (config.Has(key)) config.Problem(key, "is for rs485 = true");
    }
    return;
  }
  Rs485 rs485;
  rs485.rts_high_on_send = config.Choice<bool>("rs485_rts", true, {{"high", true}, {"low", false}});
  const milliseconds zero{0};
  rs485.delay_before = config.Duration("rs485_delay_before", zero, zero, kRtsDelayMax);
  rs485.delay_after = config.Duration("rs485_delay_after", zero, zero, kRtsDelayMax);
  options.rs485 = rs485;
}

}  // namespace

std::chrono::microseconds PortOptions::CharacterTime() const {
  const int bits = 1 + data_bits + (parity == Parity::kNone ? 0 : 1) + stop_bits;
  return std::chrono::microseconds((bits * 1'000'000 + baud - 1) / baud);
}

std::string PortOptions::ToString() const {
  constexpr std::string_view kLetters = "NEO";
  return device + " " + std::to_string(baud) + " " + std::to_string(data_bits) +
         kLetters[static_cast<std::size_t>(parity)] + std::to_string(stop_bits);
}

void ReadPortOptions(ConfigReader& config, PortOptions& options) {
  ReadDevice(config, options);
  const int baud = static_cast<int>(config.Int("baud", options.baud, 1, 4'000'000));
  const std::vector<int> rates = BaudRates();
  if (std::find(rates.begin(), rates.end(), baud) != rates.end()) {
    options.baud = baud;
  } else {
    std::string all;
    for (const int rate : rates) all += (all.empty() ? "" : ", ") + std::to_string(rate);
    config.Problem("baud", std::to_string(baud) + " is none of " + all);
  }
  options.parity = config.Choice<Parity>(
      "parity", options.parity,
      {{"none", Parity::kNone}, {"even", Parity::kEven}, {"odd", Parity::kOdd}});
  options.data_bits = static_cast<int>(config.Int("data_bits", options.data_bits, 7, 8));
  options.stop_bits = static_cast<int>(config.Int("stop_bits", options.stop_bits, 1, 2));
  ReadRs485(config, options);
}

void RefusePortOptions(ConfigReader& config, const std::string& why) {
  for (const char* key : {"device", "baud", "parity", "data_bits", "stop_bits", "rs485",
                          "rs485_rts", "rs485_delay_before", "rs485_delay_after"}) {
    if (config.Has(key)) config.Problem(key, why);
  }
}

}  // namespace edgetwin::serial
