// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The names of an IIO device's files: the kernel's Documentation/ABI/testing/sysfs-bus-iio.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/sysfs/channel_bus.h"

namespace edgetwin::iio {

// An input channel, from a name such as "in_voltage0-voltage1_raw" or "in_accel_x_input".
struct ChannelName {
  std::string type;        // "voltage", "accel".
  std::string full;        // "voltage0-voltage1", "accel_x".
  bool processed = false;  // _input: in the type's unit already; else _raw.
};

// Nothing for what is no input channel's value: other attributes, outputs, timestamps, and
// orientations, which are several numbers in one file.
std::optional<ChannelName> ParseChannelName(std::string_view file);

// The same of a buffer's scan element, from a name such as "in_accel_x_en"; never processed.
std::optional<ChannelName> ParseElementName(std::string_view file);

// The files in which the channel's `attribute` ("scale") may be, the nearest first: its own, those
// it shares with others of its number and its type, and with all.
std::vector<std::string> AttributeFiles(const ChannelName& channel, std::string_view attribute);

// A type of channel.
struct TypeUnit {
  std::string_view type;
  double factor = 1;  // From the kernel's unit to the kind's.
  sysfs::ChannelKind kind;
};

// Of a type that isn't known, numbers without a unit.
TypeUnit UnitOf(std::string_view type);

}  // namespace edgetwin::iio
