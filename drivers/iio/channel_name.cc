// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/channel_name.h"

#include <algorithm>

namespace edgetwin::iio {
namespace {

using model::ValueType;

constexpr ValueType kDouble = ValueType::kDouble;

// Millivolts, milliamperes, milliwatts, thousandths of a degree and of a percent are made whole;
// the other units are the kernel's own.
constexpr TypeUnit kUnits[] = {
    {"voltage", 1e-3, {kDouble, "V", 4, 0.001, "Voltage"}},
    {"altvoltage", 1e-3, {kDouble, "V", 4, 0.001, "Alternating voltage"}},
    {"current", 1e-3, {kDouble, "A", 4, 0.001, "Current"}},
    {"power", 1e-3, {kDouble, "W", 3, 0.1, "Power"}},
    {"energy", 1, {kDouble, "J", 3, 0, "Energy"}},
    {"temp", 1e-3, {kDouble, "Cel", 2, 0.1, "Temperature"}},
    {"pressure", 1, {kDouble, "kPa", 4, 0.01, "Pressure"}},
    {"humidityrelative", 1e-3, {kDouble, "%", 2, 0.5, "Relative humidity"}},
    {"illuminance", 1, {kDouble, "lx", 2, 1, "Illuminance"}},
    {"accel", 1, {kDouble, "m/s2", 3, 0.05, "Acceleration"}},
    {"gravity", 1, {kDouble, "m/s2", 3, 0.05, "Gravity"}},
    {"anglvel", 1, {kDouble, "rad/s", 4, 0.01, "Angular velocity"}},
    {"angl", 1, {kDouble, "rad", 4, 0.01, "Angle"}},
    {"incli", 1, {kDouble, "deg", 3, 0.1, "Inclination"}},
    {"rot", 1, {kDouble, "deg", 3, 0.1, "Rotation from north"}},
    {"magn", 1, {kDouble, "G", 5, 0.001, "Magnetic field"}},
    {"velocity", 1, {kDouble, "m/s", 3, 0.01, "Velocity"}},
    {"distance", 1, {kDouble, "m", 4, 0.001, "Distance"}},
    {"resistance", 1, {kDouble, "Ohm", 3, 0.1, "Resistance"}},
    {"capacitance", 1, {kDouble, "nF", 4, 0.001, "Capacitance"}},
    {"concentration", 1, {kDouble, "%", 5, 0.001, "Concentration"}},
    {"massconcentration", 1, {kDouble, "ug/m3", 2, 1, "Mass concentration"}},
    {"ph", 1, {kDouble, "[pH]", 3, 0.01, "Acidity"}},
    {"electricalconductivity", 1, {kDouble, "S/m", 6, 0, "Electrical conductivity"}},
    {"phase", 1, {kDouble, "rad", 4, 0.01, "Phase"}},
    {"colortemp", 1, {kDouble, "K", 0, 10, "Colour temperature"}},
    {"positionrelative", 1e-3, {kDouble, "%", 3, 0.1, "Relative position"}},
};

constexpr TypeUnit kUnknown{"", 1, {kDouble, "", 4, 0, "As the kernel gives it"}};

bool IsLetter(char c) {
  return c >= 'a' && c <= 'z';
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsFileCharacter(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || c == '-' || (c >= 'A' && c <= 'Z');
}

std::string_view LettersOf(std::string_view text) {
  return text.substr(0, static_cast<std::size_t>(
                            std::find_if_not(text.begin(), text.end(), IsLetter) - text.begin()));
}

void AddOnce(std::vector<std::string>& files, std::string file) {
  if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(std::move(file));
}

// Of a file "in_CHANNEL`after`".
std::optional<ChannelName> Between(std::string_view file, std::string_view after) {
  if (!file.starts_with("in_") || !file.ends_with(after)) return std::nullopt;
  if (file.size() < 3 + after.size()) return std::nullopt;
  file.remove_prefix(3);
  file.remove_suffix(after.size());
  if (!std::all_of(file.begin(), file.end(), IsFileCharacter)) return std::nullopt;
  ChannelName channel;
  channel.type = LettersOf(file);
  channel.full = file;
  if (channel.type.empty() || channel.type == "timestamp") return std::nullopt;
  if (channel.type == "rot" && file.find("quaternion") != file.npos) return std::nullopt;
  return channel;
}

}  // namespace

std::optional<ChannelName> ParseChannelName(std::string_view file) {
  const bool processed = file.ends_with("_input");
  std::optional<ChannelName> channel = Between(file, processed ? "_input" : "_raw");
  if (channel) channel->processed = processed;
  return channel;
}

std::optional<ChannelName> ParseElementName(std::string_view file) {
  return Between(file, "_en");
}

std::vector<std::string> AttributeFiles(const ChannelName& channel, std::string_view attribute) {
  const std::string suffix = "_" + std::string(attribute);
  std::vector<std::string> files = {"in_" + channel.full + suffix};
  // "voltage0" of "voltage0_supply" and of "voltage0_i".
  const std::size_t modifier = channel.full.find('_');
  AddOnce(files, "in_" + channel.full.substr(0, modifier) + suffix);
  // "voltage-voltage" for all pairs.
  if (channel.full.find('-') != channel.full.npos) {
    AddOnce(files, "in_" + channel.type + "-" + channel.type + suffix);
  }
  AddOnce(files, "in_" + channel.type + suffix);
  AddOnce(files, "in" + suffix);
  AddOnce(files, std::string(attribute));
  return files;
}

TypeUnit UnitOf(std::string_view type) {
  for (const TypeUnit& unit : kUnits) {
    if (unit.type == type) return unit;
  }
  return kUnknown;
}

}  // namespace edgetwin::iio
