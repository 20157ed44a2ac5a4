// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A Modbus RTU bus on a serial line.

#pragma once

#include <string>
#include <vector>

#include "drivers/modbus/modbus_client.h"
#include "drivers/modbus/rtu_line.h"

namespace edgetwin::driver {

class RtuClient final : public ModbusClient {
 public:
  explicit RtuClient(RtuOptions options) : line_(std::move(options), wake()) {}

  ModbusResult<std::vector<std::uint16_t>> ReadTable(int unit, TableKind kind, int address,
                                                     int count, MonoTime deadline) override;
  ModbusResult<void> WriteCoil(int unit, int address, bool on, bool multiple,
                               MonoTime deadline) override;
  ModbusResult<void> WriteRegisters(int unit, int address, std::span<const std::uint16_t> registers,
                                    bool multiple, MonoTime deadline) override;
  ModbusResult<void> MaskRegister(int unit, int address, std::uint16_t mask, std::uint16_t bits,
                                  MonoTime deadline) override;

 private:
  ModbusResult<Bytes> Request(int unit, const std::string& what, const Bytes& pdu,
                              const AnswerShape& shape, MonoTime deadline);
  // A request whose answer begins as it does, with `repeated_bytes`, and has `bytes`.
  ModbusResult<void> Write(int unit, const std::string& what, const Bytes& pdu,
                           std::size_t repeated_bytes, std::size_t bytes, MonoTime deadline);

  RtuLine line_;
};

}  // namespace edgetwin::driver
