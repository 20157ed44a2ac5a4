// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/plant.h"

#include <algorithm>

#include "twin/base/check.h"

namespace edgetwin::sim {
namespace {

using model::Value;
using model::ValueType;

constexpr double kMax = 1'000'000;

model::Path PathOf(const std::string& text) {
  auto path = model::Path::Parse(text);
  EDGETWIN_CHECK(path.has_value());
  return *path;
}

}  // namespace

Plant::Plant(std::uint32_t properties, Random random) : random_(random) {
  for (std::uint32_t i = 0; i < properties; ++i) Add(i % 4 == 1);
}

void Plant::Add(bool writable) {
  const std::uint32_t n = added_++;
  PlantProperty property;
  model::PropertyDef& def = property.def;
  property.secret = n % 8 == 6;
  const std::string thing = property.secret ? "vault" + std::string(kSecret) : "plant";
  def.path = PathOf(thing + "/p" + std::to_string(n));
  def.instance = "plant";
  def.writable = writable || property.secret;
  def.local_only = property.secret;
  if (property.secret) def.description = kSecret;
  switch (n % 7) {
    case 0: def.type = ValueType::kDouble, def.decimals = 2, def.unit = "Cel"; break;
    case 1: def.type = ValueType::kDouble, def.decimals = 3, def.unit = "kPa"; break;
    case 2: def.type = ValueType::kInt; break;
    case 3: def.type = ValueType::kDouble; break;
    case 4: def.type = ValueType::kString; break;
    case 5: def.type = ValueType::kInt, def.unit = "%"; break;
    default: def.type = ValueType::kBool; break;
  }
  if (property.secret) {
    def.type = n % 16 == 6 ? ValueType::kString : ValueType::kDouble;
    def.decimals.reset();
  }
  const bool number = def.type == ValueType::kInt || def.type == ValueType::kDouble;
  if (writable && number) def.max = kMax;
  if (n % 10 == 3 && number) def.policy.deadband = 5;
  if (n % 10 == 7) def.policy.min_period = std::chrono::milliseconds(3'000);
  if (n % 10 == 0) def.policy.heartbeat = std::chrono::milliseconds(20'000);
  if (n % 14 == 0 && number) {
    def.alarm.high = 80;
    def.alarm.hysteresis = 10;
    def.alarm.delay = std::chrono::milliseconds(2'000);
  }
  property.moves_ppm = def.writable ? 0 : 300'000;
  properties_.push_back(std::move(property));
  properties_.back().value = Fresh(properties_.back());
}

PlantProperty* Plant::Find(std::string_view path) {
  const auto found = std::ranges::find_if(
      properties_, [path](const PlantProperty& p) { return p.def.path.text() == path; });
  return found == properties_.end() ? nullptr : &*found;
}

Value Plant::Fresh(const PlantProperty& property) {
  const auto number = static_cast<std::int64_t>(random_.Below(10'000));
  if (property.secret && property.def.type == ValueType::kDouble) return Value(kSecretNumber);
  if (property.secret) return Value(std::string(kSecret) + std::to_string(number));
  switch (property.def.type) {
    case ValueType::kBool: return Value(number % 2 == 1);
    case ValueType::kInt: return Value(number / 100);
    case ValueType::kString:
      if (property.poisoned) return Value(std::string(kPoisonText) + std::to_string(number));
      return Value("state " + std::to_string(number));
    case ValueType::kDouble:
      // Not every one survives its declared decimals.
      return Value(random_.Below(20) == 0 ? static_cast<double>(number) / 97.0
                                          : static_cast<double>(number) / 100.0);
    default: return Value();
  }
}

void Plant::Move() {
  for (PlantProperty& property : properties_) {
    if (!random_.Chance(property.moves_ppm)) continue;
    property.value = Fresh(property);
  }
}

std::string Plant::Redefine(std::size_t index) {
  PlantProperty& property = properties_[index];
  model::PropertyDef& def = property.def;
  if (property.secret) return {};
  switch (random_.Below(4)) {
    case 0: def.unit = def.unit == "Cel" ? "K" : "Cel"; break;
    case 1: def.description = "version " + std::to_string(random_.Below(1'000)); break;
    case 2:
      if (def.type == ValueType::kDouble) {
        def.decimals = static_cast<int>(random_.Below(4));
        break;
      }
      [[fallthrough]];
    default:
      if (def.writable) break;
      def.type = def.type == ValueType::kInt ? ValueType::kDouble : ValueType::kInt;
      def.decimals.reset();
      break;
  }
  if (def.type != property.value.type()) property.value = Fresh(property);
  return def.path.text();
}

Value UniqueValues::Next(ValueType type) {
  const std::uint64_t n = ++last_;
  switch (type) {
    case ValueType::kInt: return Value(static_cast<std::int64_t>(20'000 + n));
    case ValueType::kDouble: return Value(20'000.0 + static_cast<double>(n));
    case ValueType::kString: return Value("set " + std::to_string(n));
    default: return Value();
  }
}

}  // namespace edgetwin::sim
