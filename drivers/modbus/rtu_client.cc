// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/rtu_client.h"

#include <initializer_list>

namespace edgetwin::driver {
namespace {

// MODBUS Application Protocol V1.1b3, 6.
constexpr int kReadCoils = 0x01;
constexpr int kReadDiscreteInputs = 0x02;
constexpr int kReadHoldingRegisters = 0x03;
constexpr int kReadInputRegisters = 0x04;
constexpr int kWriteSingleCoil = 0x05;
constexpr int kWriteSingleRegister = 0x06;
constexpr int kWriteMultipleCoils = 0x0f;
constexpr int kWriteMultipleRegisters = 0x10;
constexpr int kMaskWriteRegister = 0x16;
constexpr int kCoilOn = 0xff00;

int ReadFunction(TableKind kind) {
  switch (kind) {
    case TableKind::kHolding: return kReadHoldingRegisters;
    case TableKind::kInput: return kReadInputRegisters;
    case TableKind::kCoil: return kReadCoils;
    case TableKind::kDiscrete: return kReadDiscreteInputs;
  }
  return kReadHoldingRegisters;
}

// A function and words, most significant byte first.
Bytes Pdu(int function, std::initializer_list<int> words) {
  Bytes pdu{static_cast<std::uint8_t>(function)};
  for (const int word : words) {
    pdu.push_back(static_cast<std::uint8_t>(word >> 8 & 0xff));
    pdu.push_back(static_cast<std::uint8_t>(word & 0xff));
  }
  return pdu;
}

}  // namespace

ModbusResult<Bytes> RtuClient::Request(int unit, const std::string& what, const Bytes& pdu,
                                       const AnswerShape& shape, MonoTime deadline) {
  Result<Bytes> answer = line_.Exchange(unit, pdu, shape, deadline);
  if (!answer) {
    Error error = answer.error();
    error.text = "unit " + std::to_string(unit) + ": " + error.text;
    const bool asked = error.code == ErrorCode::kTimeout || error.code == ErrorCode::kCorrupt;
    if (asked) error.text += " " + what;
    return tl::unexpected(ModbusError{std::move(error), 0, false});
  }
  if (answer->front() != shape.begin.front()) {
    return tl::unexpected(ExceptionOf((*answer)[1], unit, what));
  }
  return *std::move(answer);
}

ModbusResult<std::vector<std::uint16_t>> RtuClient::ReadTable(int unit, TableKind kind, int address,
                                                              int count, MonoTime deadline) {
  const bool bits = IsBits(kind);
  const int bytes = bits ? (count + 7) / 8 : count * 2;
  const int function = ReadFunction(kind);
  const AnswerShape shape{{static_cast<std::uint8_t>(function), static_cast<std::uint8_t>(bytes)},
                          static_cast<std::size_t>(bytes) + 2};
  const ModbusResult<Bytes> answer = Request(unit, "reading " + RangeText(kind, address, count),
                                             Pdu(function, {address, count}), shape, deadline);
  if (!answer) return tl::unexpected(answer.error());
  const std::span<const std::uint8_t> data = std::span(*answer).subspan(2);
  std::vector<std::uint16_t> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint16_t>(bits ? data[i / 8] >> (i % 8) & 1
                                                : data[2 * i] << 8 | data[2 * i + 1]);
  }
  return values;
}

ModbusResult<void> RtuClient::Write(int unit, const std::string& what, const Bytes& pdu,
                                    std::size_t repeated_bytes, std::size_t bytes,
                                    MonoTime deadline) {
  const AnswerShape shape{{pdu.begin(), pdu.begin() + static_cast<std::ptrdiff_t>(repeated_bytes)},
                          bytes};
  const ModbusResult<Bytes> answer = Request(unit, what, pdu, shape, deadline);
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

ModbusResult<void> RtuClient::WriteCoil(int unit, int address, bool on, bool multiple,
                                        MonoTime deadline) {
  const std::string what = "writing " + RangeText(TableKind::kCoil, address, 1);
  if (!multiple) {
    return Write(unit, what, Pdu(kWriteSingleCoil, {address, on ? kCoilOn : 0}), 5, 5, deadline);
  }
  Bytes pdu = Pdu(kWriteMultipleCoils, {address, 1});
  pdu.push_back(1);
  pdu.push_back(on ? 1 : 0);
  return Write(unit, what, pdu, 5, 5, deadline);
}

ModbusResult<void> RtuClient::WriteRegisters(int unit, int address,
                                             std::span<const std::uint16_t> registers,
                                             bool multiple, MonoTime deadline) {
  const int count = static_cast<int>(registers.size());
  const std::string what = "writing " + RangeText(TableKind::kHolding, address, count);
  if (count == 1 && !multiple) {
    // Some devices answer with the value they made of it: it is read back anyway.
    return Write(unit, what, Pdu(kWriteSingleRegister, {address, registers.front()}), 3, 5,
                 deadline);
  }
  Bytes pdu = Pdu(kWriteMultipleRegisters, {address, count});
  pdu.push_back(static_cast<std::uint8_t>(count * 2));
  for (const std::uint16_t word : registers) {
    pdu.push_back(static_cast<std::uint8_t>(word >> 8));
    pdu.push_back(static_cast<std::uint8_t>(word & 0xff));
  }
  return Write(unit, what, pdu, 5, 5, deadline);
}

ModbusResult<void> RtuClient::MaskRegister(int unit, int address, std::uint16_t mask,
                                           std::uint16_t bits, MonoTime deadline) {
  const auto kept = static_cast<std::uint16_t>(~mask);
  return Write(unit, "writing bits of " + RangeText(TableKind::kHolding, address, 1),
               Pdu(kMaskWriteRegister, {address, kept, bits}), 3, 7, deadline);
}

}  // namespace edgetwin::driver
