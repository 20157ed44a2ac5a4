// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A Modbus RTU server on one end of a line, by libmodbus, with a line that can misbehave.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "twin/base/clock.h"

struct _modbus;
struct _modbus_mapping_t;

namespace edgetwin::driver::testing {

using RtuBytes = std::vector<std::uint8_t>;

// Serves units 1 to 3 in a thread of its own; each has 64 of each kind, which hold their own
// addresses plus a hundred times the unit (bits: whether the address is odd).
class RtuServer {
 public:
  // What is sent for `request` instead of `answer`, which is libmodbus's own and whole. Called in
  // the server's thread. Each part is written by itself.
  using Line = std::function<std::vector<RtuBytes>(const RtuBytes& request, RtuBytes answer)>;

  explicit RtuServer(int fd);  // The line's; must stay open.
  ~RtuServer();
  RtuServer(const RtuServer&) = delete;
  RtuServer& operator=(const RtuServer&) = delete;

  void SetLine(Line line);  // Null: the answers as they are.
  struct Request {
    MonoTime time;
    RtuBytes bytes;
  };
  std::vector<Request> requests() const;
  std::size_t CountRequests(int unit) const;
  std::uint16_t Holding(int unit, int address) const;

 private:
  void Run();
  bool ReadRequest(RtuBytes& request);
  RtuBytes Answer(const RtuBytes& request);

  const SystemClock clock_;
  const int fd_;
  int stop_ = -1;  // An event descriptor.
  int near_ = -1;  // libmodbus's line, which has nothing wrong with it: our end …
  int far_ = -1;   // … and its end.
  _modbus* modbus_ = nullptr;
  std::map<int, _modbus_mapping_t*> units_;

  mutable std::mutex mutex_;  // All below, and what units_ points to.
  Line line_;
  std::vector<Request> requests_;

  std::thread thread_;
};

}  // namespace edgetwin::driver::testing
