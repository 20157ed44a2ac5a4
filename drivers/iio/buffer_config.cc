// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/buffer_config.h"

#include <algorithm>
#include <map>
#include <utility>

namespace edgetwin::iio {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Of a second at 10 kHz a tenth, which is how often a buffer is emptied.
constexpr std::uint64_t kLength = 1024;
constexpr milliseconds kTimeout{30'000};
// IIO_MAX_NAME of the kernel's triggers is 25; whatever the name, it is one line of a file.
constexpr std::size_t kTriggerBytesMax = 64;

bool IsLine(const std::string& text) {
  return text.size() <= kTriggerBytesMax &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

BufferOptions ReadBuffer(ConfigReader& table, milliseconds period) {
  BufferOptions options;
  if (table.Require("device")) options.device.include = {table.String("device", "")};
  options.channels.include = table.Strings("channels");
  options.trigger = table.String("trigger", "");
  if (!IsLine(options.trigger)) {
    table.Problem("trigger", "is no trigger's name: it is longer than " +
                                 std::to_string(kTriggerBytesMax) + " bytes, or of several lines");
  }
  options.length = static_cast<std::uint64_t>(
      table.Int("length", kLength, 2, static_cast<std::int64_t>(kBufferLengthMax)));
  if (table.Has("watermark")) {
    options.watermark = static_cast<std::uint64_t>(
        table.Int("watermark", 1, 1, static_cast<std::int64_t>(kBufferLengthMax)));
    if (*options.watermark > options.length) {
      table.Problem("watermark", "is more than the length, " + std::to_string(options.length));
    }
  }
  options.period = table.Duration("period", period, milliseconds(10), hours(24));
  options.timeout = table.Duration("timeout", std::max(kTimeout, 3 * options.period),
                                   milliseconds(0), hours(24 * 7));
  options.keep = table.Choice<Keep>(
      "keep", Keep::kLast, {{"last", Keep::kLast}, {"mean", Keep::kMean}, {"all", Keep::kAll}});
  table.Refuse("sampling_frequency", "is the device's or its trigger's to set, by their files");
  table.Finish();
  return options;
}

}  // namespace

std::vector<BufferOptions> ReadBuffers(ConfigReader& config, milliseconds period) {
  std::vector<BufferOptions> buffers;
  std::map<std::string, int> lines;
  for (ConfigReader& table : config.Tables("buffer")) {
    if (buffers.size() == kBuffersMax) {
      table.Problem("", "is one too many: at most " + std::to_string(kBuffersMax));
      break;
    }
    BufferOptions& options = buffers.emplace_back(ReadBuffer(table, period));
    if (options.device.include.empty()) continue;
    const std::string& device = options.device.include.front();
    const auto [first, added] = lines.emplace(device, table.source().line);
    if (!added) {
      table.Problem("device", "'" + device + "' has a buffer already, in line " +
                                  std::to_string(first->second));
    }
  }
  return buffers;
}

const BufferOptions* FindBufferOptions(const std::vector<BufferOptions>& buffers,
                                       const std::string& name, const std::string& chip) {
  const auto found = std::ranges::find_if(
      buffers, [&](const BufferOptions& options) { return options.device.Passes(name, chip); });
  return found == buffers.end() ? nullptr : &*found;
}

}  // namespace edgetwin::iio
