// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A Modbus TCP connection; libmodbus is behind it.
//
// A late answer is never taken for another request's: after a timeout, and after anything that
// isn't a well-formed answer to the request just sent (transaction ids are compared), the
// connection is closed. An exception, a gateway's "target device failed to respond" included, is a
// well-formed answer and keeps it open.

#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "drivers/modbus/endpoint.h"
#include "drivers/modbus/modbus_client.h"

struct _modbus;

namespace edgetwin::driver {

class TcpClient final : public ModbusClient {
 public:
  explicit TcpClient(Endpoint endpoint);
  ~TcpClient() override;

  ModbusResult<std::vector<std::uint16_t>> ReadTable(int unit, TableKind kind, int address,
                                                     int count, MonoTime deadline) override;
  ModbusResult<void> WriteCoil(int unit, int address, bool on, bool multiple,
                               MonoTime deadline) override;
  ModbusResult<void> WriteRegisters(int unit, int address, std::span<const std::uint16_t> registers,
                                    bool multiple, MonoTime deadline) override;
  ModbusResult<void> MaskRegister(int unit, int address, std::uint16_t mask, std::uint16_t bits,
                                  MonoTime deadline) override;
  void Interrupt() override;

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

  std::mutex mutex_;
  int socket_ = -1;  // Under `mutex_` when written, or read by Interrupt.
};

}  // namespace edgetwin::driver
