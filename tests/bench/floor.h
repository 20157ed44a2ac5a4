// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The yardstick: the least that anybody would write to get values into SQLite and over MQTT,
// directly on libmosquitto, SQLite and protobuf. None of edgetwin's features, nothing of its code.

#pragma once

#include <string>

namespace edgetwin::bench {

struct FloorOptions {
  std::string host = "127.0.0.1";
  int port = 1883;
  std::string store;  // Database file.
  int properties = 1'000;
  double hz = 1;
  double seconds = 15;
  double warmup_s = 0;  // Bytes are counted from here on.
  bool full_precision = false;
};

// Runs for `seconds` and prints the bytes of its PUBLISH packets as a line of JSON. Returns an exit
// code.
int RunFloor(const FloorOptions& options);

}  // namespace edgetwin::bench
