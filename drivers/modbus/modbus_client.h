// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One connection to a Modbus bus, shared by all of its units. Blocks.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drivers/modbus/register.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"

namespace edgetwin::driver {

// Why a request gave nothing.
struct ModbusError {
  Error error;
  int exception = 0;  // The protocol's exception code; 0: no answer of the unit.
  bool answered =
      false;  // The unit itself answered. Not so for timeouts and a gateway's exceptions 10 and 11.
};

template <class T>
using ModbusResult = tl::expected<T, ModbusError>;

// Unless said otherwise: one thread, the bus's. Deadlines are of SystemClock and cover connecting
// too.
class ModbusClient {
 public:
  ModbusClient();
  virtual ~ModbusClient();
  ModbusClient(const ModbusClient&) = delete;
  ModbusClient& operator=(const ModbusClient&) = delete;

  // `count` registers, or bits as 0 and 1. At most what the protocol allows in one request.
  virtual ModbusResult<std::vector<std::uint16_t>> ReadTable(int unit, TableKind kind, int address,
                                                             int count, MonoTime deadline) = 0;
  // FC5, or FC15 when `multiple`.
  virtual ModbusResult<void> WriteCoil(int unit, int address, bool on, bool multiple,
                                       MonoTime deadline) = 0;
  // FC6 for one register unless `multiple`; else FC16.
  virtual ModbusResult<void> WriteRegisters(int unit, int address,
                                            std::span<const std::uint16_t> registers, bool multiple,
                                            MonoTime deadline) = 0;
  // FC22: the bits of `mask` take the values in `bits`, in one step on the device.
  virtual ModbusResult<void> MaskRegister(int unit, int address, std::uint16_t mask,
                                          std::uint16_t bits, MonoTime deadline) = 0;

  // Waits until then; no longer once interrupted.
  void Pause(MonoTime until);

  // Any thread: ends a running request with an error, and every later one. Doesn't block.
  virtual void Interrupt();

 protected:
  bool interrupted() const;
  // Readable once interrupted.
  int wake() const { return wake_; }

 private:
  const SystemClock clock_;
  const int wake_;  // An event descriptor.
};

// What the exception `code` (1 to 255) of `unit` means; `what`: "reading holding 12..14".
ModbusError ExceptionOf(int code, int unit, const std::string& what);

// "holding 12", "holding 12..14".
std::string RangeText(TableKind kind, int address, int count);

// What is left of `until`, for poll(2): rounded up, 0 to 1000 s.
int PollTimeout(std::chrono::microseconds left);

std::string SystemText(int number);  // Of an errno.

}  // namespace edgetwin::driver
