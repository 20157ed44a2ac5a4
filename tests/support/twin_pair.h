// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's and the cloud's twin as their APIs show them, compared row by row and dot by dot.

#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/http_client.h"

namespace edgetwin::tests {

struct Comparison {
  bool same_watermark = false;  // Both snapshots show the same moment; only then differences count.
  std::size_t rows = 0;
  std::uint64_t revision = 0;  // Of the device's reported rows, held by the cloud.
  std::vector<std::string> differences;
  std::string trouble;  // Why there is nothing to compare.

  bool equal() const { return same_watermark && trouble.empty() && differences.empty(); }
};

class TwinPair {
 public:
  // `socket`: the agent's API. `cloud`: "http://127.0.0.1:8080".
  TwinPair(std::string socket, std::string cloud, std::string device);

  HttpAnswer AskDevice(const std::string& path, const std::string& method = "GET",
                       const std::string& body = {}) const;
  // `path` below the twin's: "/snapshot".
  HttpAnswer AskCloud(const std::string& path, const std::string& method = "GET",
                      const std::string& body = {}) const;
  // Merge-patches what is desired: {"valve":{"position_setpoint":50}}.
  HttpAnswer Desire(const std::string& patch) const;

  // A discarded value where nobody answered.
  nlohmann::json DeviceSnapshot() const;
  nlohmann::json CloudSnapshot() const;

  // Compares one snapshot of each.
  Comparison CompareOnce() const;
  // Repeats it until both show one moment and are equal, or the time is up; the last comparison.
  Comparison CompareUntilEqual(double seconds) const;

 private:
  std::string socket_;
  std::string cloud_;
  std::string device_;
};

}  // namespace edgetwin::tests
