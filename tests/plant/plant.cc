// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/plant/plant.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

namespace edgetwin::tests {
namespace {

constexpr int kTank = 1;
constexpr int kPump = 2;
constexpr int kValve = 3;
constexpr int kMeter = 4;
constexpr double kTankAreaM2 = 1.0;
constexpr double kTankHeightM = 4.0;
constexpr double kPumpRpmMax = 3000;
constexpr double kPumpLpsMax = 10;  // At full speed.
constexpr double kPumpLagS = 1.0;   // Time constant of its speed.
constexpr double kValveLpsMax = 8;  // Open, at one metre of water.
constexpr double kValvePercentPerS = 25;
constexpr double kPumpAmperesMax = 12;

void PutFloat(std::vector<std::uint16_t>& registers, std::size_t at, double value,
              bool little_words = false) {
  PutRaw(registers, at, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 2, little_words);
}

void PutText(std::vector<std::uint16_t>& registers, std::size_t at, std::string_view text,
             bool little_bytes) {
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = static_cast<unsigned char>(text[i]);
    const auto low = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
    PutRaw(registers, at + i / 2, (std::uint64_t{high} << 8) | low, 1, false, little_bytes);
  }
}

UnitTables MakeTank() {
  UnitTables tank;
  tank.input.resize(6);
  tank.discrete.resize(2);
  return tank;
}

UnitTables MakePump() {
  UnitTables pump;
  pump.holding = {1500};
  pump.input.resize(2);
  pump.coils = {1};
  pump.discrete = {0};
  pump.holding_max[0] = static_cast<std::uint16_t>(kPumpRpmMax);
  return pump;
}

UnitTables MakeValve() {
  UnitTables valve;
  valve.holding = {500};
  valve.input.resize(1);
  valve.holding_max[0] = 1000;
  return valve;
}

UnitTables MakeMeter() {
  UnitTables meter;
  meter.holding.resize(64);
  meter.holding_absent = {20};
  meter.holding_unreadable = {30};
  meter.coils.resize(16);
  for (std::uint8_t i = 0; i < 16; ++i) meter.discrete.push_back(i % 2 == 0 ? 1 : 0);
  std::vector<std::uint16_t>& in = meter.input;
  in.resize(60);
  constexpr double kReal = -1234.5678;
  constexpr std::string_view kText = "EM-4000 Z\u00e4hler";
  PutRaw(in, 4, 5'000'000'000, 4);
  PutRaw(in, 8, 5'000'000'000, 4, true);
  PutRaw(in, 12, std::bit_cast<std::uint64_t>(kReal), 4);
  PutRaw(in, 16, std::bit_cast<std::uint64_t>(kReal), 4, true, true);
  PutText(in, 20, kText, false);
  PutText(in, 28, kText, true);
  PutRaw(in, 36, ~std::uint64_t{0}, 4);
  PutRaw(in, 40, static_cast<std::uint32_t>(-70'000), 2);
  PutRaw(in, 42, static_cast<std::uint64_t>(std::int64_t{-5'000'000'000}), 4);
  in[46] = (1u << 0) | (1u << 9);
  in[47] = static_cast<std::uint16_t>(-42);
  PutFloat(in, 48, 3.25, true);
  meter.input_absent = {50, 51};
  for (std::uint16_t i = 52; i < 60; ++i) in[i] = i;
  return meter;
}

}  // namespace

void PutRaw(std::vector<std::uint16_t>& registers, std::size_t at, std::uint64_t raw,
            std::size_t count, bool little_words, bool little_bytes) {
  for (std::size_t i = 0; i < count; ++i) {
    auto word = static_cast<std::uint16_t>(raw >> (16 * i));
    if (little_bytes) word = static_cast<std::uint16_t>((word << 8) | (word >> 8));
    registers.at(at + (little_words ? i : count - 1 - i)) = word;
  }
}

Plant::Plant(int units) {
  for (int id = 1; id <= units; ++id) {
    units_[id] = id == kPump    ? MakePump()
                 : id == kValve ? MakeValve()
                 : id == kMeter ? MakeMeter()
                                : MakeTank();
  }
  Step(std::chrono::seconds(0));
}

UnitTables* Plant::unit(int id) {
  const auto found = units_.find(id);
  return found == units_.end() ? nullptr : &found->second;
}

void Plant::Step(std::chrono::duration<double> time) {
  const double seconds = time.count();
  elapsed_s_ += seconds;
  StepPump(seconds);
  StepValve(seconds);
  StepTank(seconds);
  for (auto& [id, tables] : units_) {
    if (id == kTank || id > kMeter) WriteTank(tables);
  }
  if (UnitTables* meter = unit(kMeter)) {
    energy_wh_ += seconds * 10;
    const auto wh = static_cast<std::uint64_t>(energy_wh_);
    PutRaw(meter->input, 0, wh, 2);
    PutRaw(meter->input, 2, wh, 2, true);
  }
}

void Plant::StepPump(double seconds) {
  UnitTables* pump = unit(kPump);
  if (pump == nullptr) return;
  const double wanted = pump->coils[0] != 0 ? pump->holding[0] : 0;
  pump_rpm_ += (wanted - pump_rpm_) * (1 - std::exp(-seconds / kPumpLagS));
  const double share = pump_rpm_ / kPumpRpmMax;
  inflow_lps_ = share * kPumpLpsMax;
  pump->input[0] = static_cast<std::uint16_t>(std::lround(pump_rpm_));
  // The power of a pump grows with the cube of its speed.
  pump->input[1] =
      static_cast<std::uint16_t>(std::lround(kPumpAmperesMax * share * share * share * 100));
}

void Plant::StepValve(double seconds) {
  UnitTables* valve = unit(kValve);
  if (valve == nullptr) return;
  const double wanted = valve->holding[0] / 10.0;
  const double way = kValvePercentPerS * seconds;
  valve_percent_ += std::clamp(wanted - valve_percent_, -way, way);
  valve->input[0] = static_cast<std::uint16_t>(std::lround(valve_percent_ * 10));
}

void Plant::StepTank(double seconds) {
  // Torricelli: the outflow grows with the root of the level.
  const double outflow_lps = kValveLpsMax * valve_percent_ / 100 * std::sqrt(level_m_);
  level_m_ += (inflow_lps_ - outflow_lps) / 1000 / kTankAreaM2 * seconds;
  level_m_ = std::clamp(level_m_, 0.0, kTankHeightM);
  temperature_cel_ = 18 + 2 * std::sin(elapsed_s_ / 600);
}

void Plant::WriteTank(UnitTables& tank) const {
  PutFloat(tank.input, 0, level_m_);
  tank.input[2] = static_cast<std::uint16_t>(std::lround(level_m_ * 1000));
  PutFloat(tank.input, 3, inflow_lps_);
  tank.input[5] = static_cast<std::uint16_t>(std::lround(temperature_cel_ * 10));
  tank.discrete[0] = level_m_ > 3.5 ? 1 : 0;
  tank.discrete[1] = level_m_ < 0.5 ? 1 : 0;
}

}  // namespace edgetwin::tests
