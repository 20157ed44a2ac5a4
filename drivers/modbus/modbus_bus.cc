// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/modbus_bus.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <span>
#include <utility>

#include "drivers/modbus/rtu_client.h"
#include "drivers/modbus/tcp_client.h"

namespace edgetwin::driver {
namespace {

constexpr int kIllegalFunction = 1;
constexpr int kIllegalAddress = 2;
constexpr int kIllegalValue = 3;

// Some devices answer a read across their gaps with 3 (as if the count were wrong) instead of 2.
bool RefusesAddresses(int exception) {
  return exception == kIllegalAddress || exception == kIllegalValue;
}

Result<model::Value> DecodeAny(const RegisterSpec& spec, std::span<const std::uint16_t> registers) {
  if (IsBits(spec.kind)) return model::Value(registers.front() != 0);
  return Decode(spec, registers);
}

// As many as a number has, and more than anybody reads.
constexpr std::size_t kShownRegistersMax = 8;

// As they came: "0x4148 0x0000"; of a bit, "1"; of a long text the first ones.
std::string RawText(TableKind kind, std::span<const std::uint16_t> registers) {
  if (IsBits(kind)) return registers.front() != 0 ? "1" : "0";
  std::string text;
  for (const std::uint16_t one : registers.first(std::min(registers.size(), kShownRegistersMax))) {
    char word[8];
    std::snprintf(word, sizeof word, "%s0x%04x", text.empty() ? "" : " ", one);
    text += word;
  }
  if (registers.size() > kShownRegistersMax) text += " …";
  return text;
}

// Devices that have no measurement send NaN.
model::Quality QualityOf(const model::Value& value) {
  const bool finite = value.type() != model::ValueType::kDouble || std::isfinite(value.real());
  return finite ? model::Quality::kGood : model::Quality::kUncertain;
}

Error OfUnit(int unit, const Error& error) {
  return MakeError(error.code, "unit " + std::to_string(unit) + ": " + error.text);
}

}  // namespace

std::unique_ptr<ModbusClient> MakeClient(const ModbusConfig& config) {
  if (!config.serial) return std::make_unique<TcpClient>(config.endpoint);
  RtuOptions options{*config.serial, config.instance};
  options.timeout = config.timeout;
  options.byte_timeout = config.byte_timeout;
  options.echo = config.echo;
  return std::make_unique<RtuClient>(std::move(options));
}

std::chrono::milliseconds RequestTime(const ModbusConfig& config) {
  // On a serial line a late answer may have to be waited for first.
  return config.serial ? 2 * config.timeout : config.timeout;
}

std::chrono::milliseconds OperationTime(const ModbusConfig& config) {
  std::chrono::milliseconds gap{0};
  for (const ModbusUnit& unit : config.units) gap = std::max(gap, unit.request_gap);
  return RequestTime(config) + gap;
}

ModbusBus::ModbusBus(const ModbusConfig& config)
    : request_time_(RequestTime(config)), client_(MakeClient(config)) {
  for (const ModbusUnit& configured : config.units) {
    std::vector<PlannedValue> values;
    for (const ModbusRegister& reg : configured.registers) {
      values.push_back({reg.spec, registers_.size()});
      registers_.push_back({units_.size(), reg.spec});
    }
    Unit unit;
    unit.id = configured.id;
    unit.write_multiple = configured.write_multiple;
    unit.gap = configured.request_gap;
    unit.groups = PlanReads(std::move(values), configured.limits);
    units_.push_back(std::move(unit));
  }
}

MonoTime ModbusBus::BeginRequest(const Unit& unit, MonoTime deadline) {
  client_->Pause(std::min(deadline, last_request_ + unit.gap));
  return std::min(deadline, clock_.Now() + request_time_);
}

ModbusResult<std::vector<std::uint16_t>> ModbusBus::ReadTable(const Unit& unit, TableKind kind,
                                                              int address, int count,
                                                              MonoTime deadline) {
  deadline = BeginRequest(unit, deadline);
  auto registers = client_->ReadTable(unit.id, kind, address, count, deadline);
  last_request_ = clock_.Now();
  return registers;
}

PollStep ModbusBus::Poll(std::size_t part, bool first, MonoTime deadline) {
  Unit& unit = units_[part];
  if (first) unit.next = 0;
  PollStep step;
  if (unit.next >= unit.groups.size()) return step;
  const ReadGroup& group = unit.groups[unit.next];
  const auto registers = ReadTable(unit, group.kind, group.address, group.count, deadline);
  if (registers) {
    Deliver(group, *registers, unit.id, step);
    ++unit.next;
  } else if (!registers.error().answered) {
    step.status = registers.error().error;
    step.answered = false;
    return step;
  } else {
    std::vector<ReadGroup> parts;
    if (RefusesAddresses(registers.error().exception) && group.values.size() > 1) {
      parts = Split(group);
    }
    if (parts.size() > 1) {
      const auto at =
          unit.groups.erase(unit.groups.begin() + static_cast<std::ptrdiff_t>(unit.next));
      unit.groups.insert(at, std::make_move_iterator(parts.begin()),
                         std::make_move_iterator(parts.end()));
    } else {
      step.status = registers.error().error;
      for (const PlannedValue& value : group.values)
        step.readings.push_back({value.property, {}, model::Quality::kBad});
      ++unit.next;
    }
  }
  step.more = unit.next < unit.groups.size();
  return step;
}

void ModbusBus::Deliver(const ReadGroup& group, const std::vector<std::uint16_t>& registers,
                        int unit, PollStep& step) const {
  const std::span<const std::uint16_t> all(registers);
  for (const PlannedValue& planned : group.values) {
    const RegisterSpec& spec = planned.spec;
    const auto own = all.subspan(static_cast<std::size_t>(spec.address - group.address),
                                 static_cast<std::size_t>(spec.count()));
    Result<model::Value> value = DecodeAny(spec, own);
    std::string raw = raw_wanted() ? RawText(spec.kind, own) : std::string();
    if (value) {
      const model::Quality quality = QualityOf(*value);
      step.readings.push_back({planned.property, *std::move(value), quality, std::move(raw)});
    } else {
      step.readings.push_back({planned.property, {}, model::Quality::kBad, std::move(raw)});
      step.status = OfUnit(unit, value.error());
    }
  }
}

ModbusResult<void> ModbusBus::Send(const Unit& unit, const RegisterSpec& spec,
                                   const model::Value& value, MonoTime deadline) {
  if (spec.type == RegisterType::kBool) {
    if (value.type() != model::ValueType::kBool) {
      return tl::unexpected(ModbusError{
          Invalid(Describe(spec) + " takes true or false, not " + Format(value)), 0, true});
    }
    if (IsBits(spec.kind)) {
      return client_->WriteCoil(unit.id, spec.address, value.boolean(), unit.write_multiple,
                                deadline);
    }
    const int bit = spec.little_bytes ? *spec.bit ^ 8 : *spec.bit;
    const auto mask = static_cast<std::uint16_t>(1u << bit);
    return client_->MaskRegister(unit.id, spec.address, mask,
                                 value.boolean() ? mask : std::uint16_t{0}, deadline);
  }
  const Result<std::vector<std::uint16_t>> registers = Encode(spec, value);
  if (!registers) return tl::unexpected(ModbusError{registers.error(), 0, true});
  return client_->WriteRegisters(unit.id, spec.address, *registers, unit.write_multiple, deadline);
}

BusAnswer ModbusBus::Write(std::size_t property, const model::Value& value, MonoTime deadline) {
  const Register& reg = registers_[property];
  const Unit& unit = units_[reg.unit];
  const ModbusResult<void> sent = Send(unit, reg.spec, value, BeginRequest(unit, deadline));
  last_request_ = clock_.Now();
  if (!sent) return {sent.error().error, sent.error().answered, false};
  const auto registers =
      ReadTable(unit, reg.spec.kind, reg.spec.address, reg.spec.count(), deadline);
  if (registers) {
    Result<model::Value> effective = DecodeAny(reg.spec, *registers);
    if (!effective) return {OfUnit(unit.id, effective.error()), true, false};
    return {*std::move(effective)};
  }
  const ModbusError& error = registers.error();
  // A register that can be written only: the device said yes to the write and knows no such
  // reading.
  if (error.exception == kIllegalFunction || error.exception == kIllegalAddress) {
    return {value, true, false};
  }
  return {MakeError(error.error.code, "written, but not confirmed: " + error.error.text),
          error.answered, false};
}

BusAnswer ModbusBus::Read(std::size_t property, MonoTime deadline) {
  const Register& reg = registers_[property];
  const Unit& unit = units_[reg.unit];
  const auto registers =
      ReadTable(unit, reg.spec.kind, reg.spec.address, reg.spec.count(), deadline);
  if (!registers) return {registers.error().error, registers.error().answered, false};
  Result<model::Value> value = DecodeAny(reg.spec, *registers);
  if (!value) return {OfUnit(unit.id, value.error()), true, false};
  return {*std::move(value)};
}

}  // namespace edgetwin::driver
