// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/devices.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "drivers/iio/channel_name.h"

namespace edgetwin::iio {
namespace {

class InputChannel final : public sysfs::Channel {
 public:
  explicit InputChannel(const Input& input)
      : factor_(input.factor),
        value_(input.file),
        offset_(KeptIf(input.offset)),
        scale_(KeptIf(input.scale)) {}

  Result<sysfs::ChannelValue> Read(sysfs::ReadBuffer& buffer) override {
    const Result<double> value = sysfs::ReadNumber(value_, buffer);
    if (!value) return value.error();
    const Result<double> offset = ReadOr(offset_, buffer, 0);
    if (!offset) return offset.error();
    const Result<double> scale = ReadOr(scale_, buffer, 1);
    if (!scale) return scale.error();
    const double result = (*value + *offset) * *scale * factor_;
    if (!std::isfinite(result)) return Corrupt(value_.path() + ": too large with its scale");
    return sysfs::ChannelValue{model::Value(result)};
  }

 private:
  static std::optional<sysfs::KeptFile> KeptIf(const std::string& path) {
    if (path.empty()) return std::nullopt;
    return sysfs::KeptFile(path);
  }
  static Result<double> ReadOr(std::optional<sysfs::KeptFile>& file, sysfs::ReadBuffer& buffer,
                               double otherwise) {
    if (!file) return otherwise;
    return sysfs::ReadNumber(*file, buffer);
  }

  const double factor_;
  sysfs::KeptFile value_;
  std::optional<sysfs::KeptFile> offset_;
  std::optional<sysfs::KeptFile> scale_;
};

// The nearest file of an attribute; empty when there is none.
std::string FindAttribute(const std::string& folder, const std::vector<std::string>& names,
                          const ChannelName& channel, std::string_view attribute) {
  for (const std::string& file : AttributeFiles(channel, attribute)) {
    if (std::binary_search(names.begin(), names.end(), file)) return folder + "/" + file;
  }
  return {};
}

}  // namespace

Result<std::vector<Device>> FindDevices(const std::string& root) {
  const std::string devices = root + "/sys/bus/iio/devices";
  if (const auto listed = sysfs::ListFolder(devices); !listed) return listed.error();
  std::vector<Device> found;
  for (const std::uint64_t number : sysfs::Numbers(devices, "iio:device", "")) {
    Device device;
    device.folder = devices + "/iio:device" + std::to_string(number);
    device.chip = sysfs::TextOr(device.folder + "/name", "");
    const std::string label = sysfs::TextOr(device.folder + "/label", "");
    if (device.chip.empty() && label.empty()) continue;
    device.name =
        label.empty() ? sysfs::NameAt(device.chip, sysfs::DeviceName(device.folder)) : label;
    found.push_back(std::move(device));
  }
  return found;
}

std::vector<Input> FindInputs(const std::string& folder) {
  std::vector<Input> inputs;
  const Result<std::vector<std::string>> names = sysfs::ListFolder(folder);
  if (!names) return inputs;
  std::map<std::string, ChannelName> channels;
  for (const std::string& name : *names) {
    const std::optional<ChannelName> channel = ParseChannelName(name);
    if (!channel) continue;
    const auto [at, added] = channels.emplace(channel->full, *channel);
    if (!added && channel->processed) at->second = *channel;
  }
  for (const auto& [full, channel] : channels) {
    const TypeUnit unit = UnitOf(channel.type);
    Input input;
    input.name = sysfs::TextOr(folder + "/in_" + full + "_label", full);
    input.file = folder + "/in_" + full + (channel.processed ? "_input" : "_raw");
    input.factor = unit.factor;
    input.kind = unit.kind;
    if (!channel.processed) {
      input.offset = FindAttribute(folder, *names, channel, "offset");
      input.scale = FindAttribute(folder, *names, channel, "scale");
      if (input.scale.empty()) {
        input.factor = 1;
        input.kind.unit = "";
        input.kind.decimals = 0;
        input.kind.deadband = 0;
      }
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::unique_ptr<sysfs::Channel> MakeInputChannel(const Input& input) {
  return std::make_unique<InputChannel>(input);
}

}  // namespace edgetwin::iio
