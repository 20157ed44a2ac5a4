// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The tables [[buffer]]: which devices are captured through their buffers, and how.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/sysfs/filter.h"
#include "twin/base/config_node.h"

namespace edgetwin::iio {

// What is reported of the scans of one period.
enum class Keep { kLast, kMean, kAll };

struct BufferOptions {
  sysfs::NameFilter device;
  sysfs::NameFilter channels;
  std::string trigger;       // Empty: as it is.
  std::uint64_t length = 0;  // Scans that the kernel keeps.
  std::optional<std::uint64_t> watermark;
  std::chrono::milliseconds period{0};
  std::chrono::milliseconds timeout{0};  // Silence that makes the channels bad; 0: none does.
  Keep keep = Keep::kLast;
};

inline constexpr std::size_t kBuffersMax = 64;
inline constexpr std::uint64_t kBufferLengthMax = 65'536;

// Reads the array of tables `buffer`; `period` is the instance's.
std::vector<BufferOptions> ReadBuffers(ConfigReader& config, std::chrono::milliseconds period);

// The first whose `device` matches; null when none does.
const BufferOptions* FindBufferOptions(const std::vector<BufferOptions>& buffers,
                                       const std::string& name, const std::string& chip);

}  // namespace edgetwin::iio
