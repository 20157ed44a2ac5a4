// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The files of a 1-wire bus, and the time that reading them takes.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "twin/base/clock.h"
#include "twin/base/result.h"

namespace edgetwin::w1 {

// Used on one bus's thread, except for Interrupt.
class W1Files {
 public:
  virtual ~W1Files() = default;
  // Without blanks around it. Blocks while the sensor measures and answers: up to 750 ms, several
  // times that when it must be asked again.
  virtual Result<std::string> Read(const std::string& path) = 0;
  // Blocks likewise.
  virtual Status Write(const std::string& path, std::string_view text) = 0;
  virtual MonoTime Now() const = 0;
  // Returns after `time`, or at once when interrupted.
  virtual void Wait(std::chrono::milliseconds time) = 0;
  // Ends a wait, and every later one. Any thread.
  virtual void Interrupt() = 0;
};

std::unique_ptr<W1Files> MakeKernelFiles();

}  // namespace edgetwin::w1
