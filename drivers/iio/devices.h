// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which IIO devices there are, and what can be read of them.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/sysfs/channel_bus.h"

namespace edgetwin::iio {

struct Device {
  std::string name;  // Its label, or its chip with its place: "bmp280_1-0076".
  std::string chip;  // What the kernel calls it: "bmp280". Several devices may share it.
  std::string folder;
};

// The devices below root/sys/bus/iio/devices, in the kernel's order. kNotFound: the kernel has no
// IIO.
Result<std::vector<Device>> FindDevices(const std::string& root);

struct Input {
  std::string name;  // Its label, or its type, number and modifier: "temp", "voltage0", "accel_x".
  std::string file;  // The value, raw or processed.
  std::string offset;  // Files, empty when there is none. Of a processed value always.
  std::string scale;
  double factor = 1;  // From the kernel's unit to the kind's.
  sysfs::ChannelKind kind;
};

// The device's input channels, sorted by name. Of one that can be read raw and processed, the
// processed value. A raw one without a scale has no unit. A folder that vanished has none.
std::vector<Input> FindInputs(const std::string& folder);

// Where a device's buffer is set up.
struct BufferFolders {
  std::string attributes;  // "enable", "length", "watermark".
  std::string elements;    // "in_*_en", "in_*_index", "in_*_type".
};

// Of the buffer that /dev/iio:deviceN reads: buffer0, or before Linux 5.11 buffer and
// scan_elements. Nothing when the device has none.
std::optional<BufferFolders> FindBuffer(const std::string& folder);

struct Element {
  std::string channel;  // "voltage0", "accel_x".
  Input input;          // Its file is the element's in_*_en.
};

// The channels that the buffer can hold, sorted by name, without the time stamp.
std::vector<Element> FindElements(const std::string& folder, const BufferFolders& buffer);

// (raw + offset) · scale · factor, with offset and scale read each time.
std::unique_ptr<sysfs::Channel> MakeInputChannel(const Input& input);

}  // namespace edgetwin::iio
