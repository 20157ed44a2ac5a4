// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a simulated device's drivers stand before: properties that move by themselves, and actuators
// that hold what was written to them, whatever becomes of the machine.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/random.h"
#include "twin/model/property.h"

namespace edgetwin::sim {

// In the path and in every value of what must never leave a device.
inline constexpr std::string_view kSecret = "S3CR3T";
inline constexpr double kSecretNumber = -7.3911e-201;  // Its eight bytes are like no other's.
// A text that the cloud refuses for ever.
inline constexpr std::string_view kPoisonText = "POISON";

struct PlantProperty {
  model::PropertyDef def;
  model::Value value;
  bool secret = false;                // Local-only for good, with values that can be recognised.
  bool present = true;                // A driver knows it now.
  bool poisoned = false;              // Its next values are poison.
  std::uint32_t moves_ppm = 300'000;  // A poll finds another value.
};

class Plant {
 public:
  Plant(std::uint32_t properties, Random random);

  std::vector<PlantProperty>& properties() { return properties_; }
  const std::vector<PlantProperty>& properties() const { return properties_; }
  PlantProperty* Find(std::string_view path);

  // One poll's time passes.
  void Move();
  // A property more. `writable`: an actuator, in which nothing moves by itself.
  void Add(bool writable);
  // What the peer is told of one changes. Returns its path.
  std::string Redefine(std::size_t index);

 private:
  model::Value Fresh(const PlantProperty& property);

  Random random_;
  std::vector<PlantProperty> properties_;
  std::uint32_t added_ = 0;
};

// Writes are recognised by their values: each is asked for once in a world.
class UniqueValues {
 public:
  // None where the type has too few.
  model::Value Next(model::ValueType type);

 private:
  std::uint64_t last_ = 0;  // The first are below what a plant begins with.
};

}  // namespace edgetwin::sim
