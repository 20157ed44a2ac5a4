// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The bus's side of the Modbus driver: polls, writes and reads units over one client.

#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "drivers/modbus/modbus_client.h"
#include "drivers/modbus/modbus_config.h"
#include "drivers/modbus/read_plan.h"
#include "drivers/sdk/blocking_driver.h"

namespace edgetwin::driver {

// What one request may take, and one operation with the longest gap before it.
std::chrono::milliseconds RequestTime(const ModbusConfig& config);
std::chrono::milliseconds OperationTime(const ModbusConfig& config);

// To the bus that the configuration names. Connects with the first request.
std::unique_ptr<ModbusClient> MakeClient(const ModbusConfig& config);

// Parts are the units and properties their registers, both in the configuration's order.
class ModbusBus final : public BlockingBus {
 public:
  explicit ModbusBus(const ModbusConfig& config);

  // One request. A group of values that the unit refuses for its addresses is split, in this poll
  // and for good, until what is refused is one value only.
  PollStep Poll(std::size_t part, bool first, MonoTime deadline) override;
  // Writes and reads back, with a request's time each; the value as read is the effective one. What
  // can't be read back counts as written.
  BusAnswer Write(std::size_t property, const model::Value& value, MonoTime deadline) override;
  BusAnswer Read(std::size_t property, MonoTime deadline) override;
  void Interrupt() override { client_->Interrupt(); }

 private:
  struct Unit {
    int id = 1;
    bool write_multiple = false;
    std::chrono::milliseconds gap{0};  // Silence before it is asked.
    std::vector<ReadGroup> groups;
    std::size_t next = 0;  // The group that the running poll reads next.
  };
  struct Register {
    std::size_t unit = 0;
    RegisterSpec spec;
  };

  ModbusResult<void> Send(const Unit& unit, const RegisterSpec& spec, const model::Value& value,
                          MonoTime deadline);
  void Deliver(const ReadGroup& group, const std::vector<std::uint16_t>& registers, int unit,
               PollStep& step) const;

  ModbusResult<std::vector<std::uint16_t>> ReadTable(const Unit& unit, TableKind kind, int address,
                                                     int count, MonoTime deadline);
  // Waits for the unit's gap. Gives the deadline of the request that follows: RequestTime from now,
  // and never past `deadline`.
  MonoTime BeginRequest(const Unit& unit, MonoTime deadline);

  const SystemClock clock_;
  const std::chrono::microseconds request_time_;
  const std::unique_ptr<ModbusClient> client_;
  MonoTime last_request_{};  // When the last one was over.
  std::vector<Unit> units_;
  std::vector<Register> registers_;
};

}  // namespace edgetwin::driver
