// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One connection to a Modbus bus, shared by all of its units. Blocks; libmodbus is behind it.
//
// A late answer is never taken for another request's: after a timeout, and after anything that
// isn't a well-formed answer to the request just sent (transaction ids are compared), the
// connection is closed. An exception, a gateway's "target device failed to respond" included, is a
// well-formed answer and keeps it open.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/modbus/endpoint.h"
#include "drivers/modbus/register.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"

struct _modbus;

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
  explicit ModbusClient(Endpoint endpoint);
  ~ModbusClient();
  ModbusClient(const ModbusClient&) = delete;
  ModbusClient& operator=(const ModbusClient&) = delete;

  // `count` registers, or bits as 0 and 1. At most what the protocol allows in one request.
  ModbusResult<std::vector<std::uint16_t>> ReadTable(int unit, TableKind kind, int address,
                                                     int count, MonoTime deadline);
  // FC5, or FC15 when `multiple`.
  ModbusResult<void> WriteCoil(int unit, int address, bool on, bool multiple, MonoTime deadline);
  // FC6 for one register unless `multiple`; else FC16.
  ModbusResult<void> WriteRegisters(int unit, int address, std::span<const std::uint16_t> registers,
                                    bool multiple, MonoTime deadline);
  // FC22: the bits of `mask` take the values in `bits`, in one step on the device.
  ModbusResult<void> MaskRegister(int unit, int address, std::uint16_t mask, std::uint16_t bits,
                                  MonoTime deadline);

  // Any thread: ends a running request with an error, and every later one. Doesn't block.
  void Interrupt();

 private:
  template <class F>
  ModbusResult<void> Request(int unit, const std::string& what, bool repeatable, MonoTime deadline,
                             F&& request);
  Status Connect(MonoTime deadline);
  Status ConnectToAny(MonoTime deadline);
  Status Resolve();
  Result<int> OpenSocket(const std::string& address, MonoTime deadline);
  bool Usable();
  void Close();
  ModbusError ErrorOf(int number, int unit, const std::string& what, MonoTime deadline) const;

  const Endpoint endpoint_;
  const SystemClock clock_;
  _modbus* modbus_ = nullptr;
  // Raw socket addresses of the last resolution that worked: local polling goes on when the
  // resolver doesn't.
  std::vector<std::string> addresses_;
  int wake_ = -1;  // An event descriptor: readable once interrupted.

  std::mutex mutex_;
  int socket_ = -1;           // Under `mutex_` when written, or read by Interrupt.
  bool interrupted_ = false;  // Under `mutex_`.
};

}  // namespace edgetwin::driver
