// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A serial port that is open: raw, non-blocking, and this process's alone.

#pragma once

#include <string>
#include <vector>

#include "drivers/sdk/serial/serial_options.h"
#include "twin/base/result.h"

namespace edgetwin::serial {

std::vector<int> BaudRates();  // In rising order.

class Port {
 public:
  Port() = default;  // Not open.
  // Opens and sets it, and throws away what has come in before. `holder` names who has it, for
  // whoever else wants it: an instance. Thread-safe; doesn't wait for a carrier.
  //
  // kUnavailable: there is no such device (yet), or another holder or program has it. kPermission:
  // the device's mode. kUnsupported: it is no serial port, or can't do what the options ask for.
  static Result<Port> Open(const PortOptions& options, const std::string& holder);

  // Takes a descriptor that is open already, as it is: what stands for a port in a test.
  static Port Adopt(int fd) { return Port(fd); }

  Port(Port&& other) noexcept;
  Port& operator=(Port&& other) noexcept;
  ~Port() { Close(); }

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void Close();

 private:
  explicit Port(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace edgetwin::serial
