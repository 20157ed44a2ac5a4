// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A small water plant, simulated: a pump fills a tank, a valve drains it, a meter counts. What its
// units' Modbus tables hold; no I/O. Addresses are from 0, most significant register first unless
// said otherwise.
//
//   unit 1, tank     input  0..1 level, float32, m      2 level, uint16, mm      3..4 inflow,
//   float32, l/s
//                           5 temperature, int16, 0.1 Cel
//                    discrete 0 level high (above 3.5 m), 1 level low (below 0.5 m)
//   unit 2, pump     holding 0 speed setpoint, uint16, rpm, 0..3000 (exception 3 above)
//                    input  0 speed, uint16, rpm         1 motor current, uint16, 0.01 A
//                    coil   0 running                    discrete 0 tripped
//   unit 3, valve    holding 0 position setpoint, uint16, 0.1 %, 0..1000 (exception 3 above)
//                    input  0 position, uint16, 0.1 %
//   unit 4, meter    input (constant but for the energy at 0)
//                           0..1 energy, uint32, Wh     2..3 the same, little words   4..7 uint64
//                           5000000000 8..11 the same, little words     12..15 float64 -1234.5678
//                           16..19 the same, little words and bytes     20..27 "EM-4000
//                           Z\u00e4hler" 28..35 the same, little bytes    36..39 uint64
//                           2^64-1     40..41 int32 -70000 42..45 int64 -5000000000    46 status,
//                           bits 0 and 9 set   47 int16 -42 48..49 float32 3.25, little
//                           words   50..51 absent (exception 2)   52..59 52 to 59
//                    holding 0..63 settings, writable; 20 absent; 30 can be written only (reading:
//                    exception 2) coil   0..15 relays; discrete 0..15 inputs, the even ones set
//   unit 5 and up    more tanks, without pump and valve.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace edgetwin::tests {

struct UnitTables {
  std::vector<std::uint16_t> holding;
  std::vector<std::uint16_t> input;
  std::vector<std::uint8_t> coils;
  std::vector<std::uint8_t> discrete;
  std::set<int> holding_unreadable;
  std::set<int> holding_absent;
  std::set<int> input_absent;
  std::map<int, std::uint16_t> holding_max;  // Larger values are refused.
};

class Plant {
 public:
  // `units`: 1 to 246.
  explicit Plant(int units);

  // Lets `time` pass.
  void Step(std::chrono::duration<double> time);
  // Null when there is no such unit.
  UnitTables* unit(int id);

  double level_m() const { return level_m_; }

 private:
  void StepPump(double seconds);
  void StepValve(double seconds);
  void StepTank(double seconds);
  void WriteTank(UnitTables& tank) const;

  std::map<int, UnitTables> units_;
  double level_m_ = 2.0;
  double inflow_lps_ = 0;
  double temperature_cel_ = 18.0;
  double pump_rpm_ = 0;
  double valve_percent_ = 0;
  double energy_wh_ = 70'000;
  double elapsed_s_ = 0;
};

// `value` into the registers from `at` on.
void PutRaw(std::vector<std::uint16_t>& registers, std::size_t at, std::uint64_t raw,
            std::size_t count, bool little_words = false, bool little_bytes = false);

}  // namespace edgetwin::tests
