// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/devices.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "drivers/iio/channel_name.h"
#include "drivers/iio/conversion.h"

namespace edgetwin::iio {
namespace {

class InputChannel final : public sysfs::Channel {
 public:
  explicit InputChannel(const Input& input)
      : value_(input.file), conversion_(input.offset, input.scale, input.factor) {}

  Result<sysfs::ChannelValue> Read(sysfs::ReadBuffer& buffer) override {
    const Result<double> raw = sysfs::ReadNumber(value_, buffer);
    if (!raw) return raw.error();
    const Result<Line> line = conversion_.Read(buffer);
    if (!line) return line.error();
    const double value = line->Of(*raw);
    if (!std::isfinite(value)) return Corrupt(value_.path() + ": too large with its scale");
    return sysfs::ChannelValue{model::Value(value)};
  }

 private:
  sysfs::KeptFile value_;
  Conversion conversion_;
};

// The nearest file of an attribute; empty when there is none.
std::string FindAttribute(const std::string& folder, const std::vector<std::string>& names,
                          const ChannelName& channel, std::string_view attribute) {
  for (const std::string& file : AttributeFiles(channel, attribute)) {
    if (std::binary_search(names.begin(), names.end(), file)) return folder + "/" + file;
  }
  return {};
}

// What is known of a channel whose value is in `file`, beside that.
Input Describe(const std::string& folder, const std::vector<std::string>& names,
               const ChannelName& channel, std::string file) {
  const TypeUnit unit = UnitOf(channel.type);
  Input input;
  input.name = sysfs::TextOr(folder + "/in_" + channel.full + "_label", channel.full);
  input.file = std::move(file);
  input.factor = unit.factor;
  input.kind = unit.kind;
  if (channel.processed) return input;
  input.offset = FindAttribute(folder, names, channel, "offset");
  input.scale = FindAttribute(folder, names, channel, "scale");
  if (input.scale.empty()) {
    input.factor = 1;
    input.kind.unit = "";
    input.kind.decimals = 0;
    input.kind.deadband = 0;
  }
  return input;
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
    inputs.push_back(Describe(folder, *names, channel,
                              folder + "/in_" + full + (channel.processed ? "_input" : "_raw")));
  }
  return inputs;
}

std::optional<BufferFolders> FindBuffer(const std::string& folder) {
  BufferFolders buffer{folder + "/buffer0", folder + "/buffer0"};
  if (sysfs::Exists(buffer.attributes + "/enable")) return buffer;
  buffer = {folder + "/buffer", folder + "/scan_elements"};
  if (sysfs::Exists(buffer.attributes + "/enable")) return buffer;
  return std::nullopt;
}

std::vector<Element> FindElements(const std::string& folder, const BufferFolders& buffer) {
  std::vector<Element> elements;
  const Result<std::vector<std::string>> names = sysfs::ListFolder(folder);
  const Result<std::vector<std::string>> files = sysfs::ListFolder(buffer.elements);
  if (!names || !files) return elements;
  for (const std::string& file : *files) {
    const std::optional<ChannelName> channel = ParseElementName(file);
    if (!channel) continue;
    elements.push_back(
        {channel->full, Describe(folder, *names, *channel, buffer.elements + "/" + file)});
  }
  return elements;
}

std::unique_ptr<sysfs::Channel> MakeInputChannel(const Input& input) {
  return std::make_unique<InputChannel>(input);
}

}  // namespace edgetwin::iio
