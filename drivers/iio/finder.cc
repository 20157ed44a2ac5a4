// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/finder.h"

#include <utility>

namespace edgetwin::iio {
namespace {

// What a running capture depends on, beside its properties and the files they come from.
std::string IdentityOf(const CaptureSpec& spec) {
  return spec.node + " by " + spec.buffer.attributes;
}

}  // namespace

void Finder::Configure(ConfigReader& config) {
  thing_ = driver::ReadThing(config);
  rules_.Read(config);
  root_ = sysfs::ReadRoot(config);
  devices_ = sysfs::ReadFilter(config, "devices");
  channels_ = sysfs::ReadFilter(config, "channels");
  buffers_ = ReadBuffers(config, period());
}

driver::FoundBuses Finder::Scan() {
  driver::FoundBuses found;
  const Result<std::vector<Device>> devices = FindDevices(root_);
  if (!devices) {
    found.status = devices.error();
    return found;
  }
  sysfs::DeviceList list(thing_, rules_, devices_limit());
  captures_ = 0;
  for (const Device& device : *devices) {
    if (devices_.Passes(device.name, device.chip)) AddDevice(device, list, found.status);
  }
  captures_limit_.Use(captures_);
  if (found.status) found.status = list.status();
  found.buses = std::move(list).Finish("iio", period());
  return found;
}

bool Finder::Passes(const Device& device, const std::string& channel) const {
  return channels_.Passes(model::ToSegment(device.name) + "/" + channel, channel);
}

void Finder::AddDevice(const Device& device, sysfs::DeviceList& list, Status& status) {
  if (!list.Begin(device.name, sysfs::WireName(device.folder))) return;
  const Result<bool> captured = AddCapture(device, list);
  if (captured && *captured) return;
  if (!captured && status) {
    status = MakeError(captured.error().code,
                       device.name + ": " + captured.error().text + "; it is polled");
  }
  for (const Input& input : FindInputs(device.folder)) {
    const std::string name = model::ToSegment(input.name);
    if (!Passes(device, name)) continue;
    list.Add(name, input.kind, input.file, [input] { return MakeInputChannel(input); });
  }
}

Result<std::vector<Element>> Finder::ElementsOf(const Device& device, const BufferOptions& buffer,
                                                const BufferFolders& folders) const {
  std::vector<Element> elements = FindElements(device.folder, folders);
  std::erase_if(elements, [&](const Element& element) {
    const std::string name = model::ToSegment(element.input.name);
    return !Passes(device, name) || !buffer.channels.Passes(name);
  });
  if (elements.empty()) return NotFound("no channel of its buffer is included");
  if (elements.size() > kElementsMax) {
    return Exhausted(std::to_string(elements.size()) + " channels of its buffer are included, " +
                     std::to_string(kElementsMax) + " can be captured");
  }
  return elements;
}

Result<bool> Finder::AddCapture(const Device& device, sysfs::DeviceList& list) {
  const BufferOptions* buffer = FindBufferOptions(buffers_, device.name, device.chip);
  if (buffer == nullptr) return false;
  const std::optional<BufferFolders> folders = FindBuffer(device.folder);
  if (!folders) return Unsupported("has no buffer to capture from");
  const Result<std::vector<Element>> elements = ElementsOf(device, *buffer, *folders);
  if (!elements) return elements.error();
  if (!captures_limit_.Fits(captures_ + 1)) {
    captures_limit_.Hit();
    return Exhausted("there are " + std::to_string(kCapturesMax) + " captures already");
  }
  CaptureOptions options;
  options.spec.node = root_ + "/dev/" + device.folder.substr(device.folder.rfind('/') + 1);
  options.spec.folder = device.folder;
  options.spec.triggers = root_ + "/sys/bus/iio/devices";
  options.spec.buffer = *folders;
  options.spec.trigger = buffer->trigger;
  options.spec.length = buffer->length;
  options.spec.watermark = buffer->watermark;
  const Rhythm rhythm = RhythmOf(buffer->period);
  options.report_every = rhythm.report_every;
  options.timeout = buffer->timeout;
  options.keep = buffer->keep;
  for (const Element& element : *elements) {
    const Input& input = element.input;
    const std::string name = model::ToSegment(input.name);
    if (!list.Add(name, input.kind, input.file, nullptr)) continue;
    options.spec.channels.push_back(element.channel);
    options.inputs.push_back(input);
  }
  if (options.inputs.empty()) return true;  // The list says why.
  ++captures_;
  const auto make = [options, tally = tally_](const std::vector<driver::BusProperty>& properties) {
    return std::make_unique<CaptureBus>(options, properties, tally);
  };
  list.ReadWhole(rhythm.poll, IdentityOf(options.spec), make);
  return true;
}

}  // namespace edgetwin::iio
