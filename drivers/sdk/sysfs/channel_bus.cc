// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/sysfs/channel_bus.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "drivers/sdk/sysfs/text.h"
#include "twin/base/utf8.h"

namespace edgetwin::sysfs {
namespace {

using driver::BusAnswer;
using driver::PollStep;

// A step ends after the channel that reaches this, so that requests and other devices wait for no
// more than a channel longer.
constexpr std::chrono::milliseconds kStepMax{100};
// What a file that can't be waited for with a time limit is given, before its bus counts as stuck:
// the slowest converters take a second.
constexpr std::chrono::seconds kOperationMax{5};

constexpr std::size_t kShownBytesMax = 40;

bool IsAnswer(ErrorCode code) {
  return code != ErrorCode::kNotFound && code != ErrorCode::kUnavailable &&
         code != ErrorCode::kPermission;
}

struct NewChannel {
  MakeChannel make;
  std::optional<int> decimals;
};

class ChannelBus final : public driver::BlockingBus {
 public:
  explicit ChannelBus(const std::vector<std::vector<NewChannel>>& parts) {
    for (const std::vector<NewChannel>& channels : parts) {
      Part part;
      part.begin = channels_.size();
      for (const NewChannel& channel : channels) {
        channels_.push_back({channel.make(), channel.decimals});
      }
      part.end = channels_.size();
      parts_.push_back(part);
    }
  }

  PollStep Poll(std::size_t part, bool first, MonoTime) override {
    if (raw_wanted()) buffer_.KeepNotes();
    Part& device = parts_[part];
    if (first) {
      device.next = device.begin;
      device.answered = false;
      device.failure = {};
    }
    PollStep step;
    const MonoTime begin = clock_.Now();
    while (device.next < device.end) {
      const std::size_t at = device.next++;
      Result<ChannelValue> read = ReadChannel(at);
      std::string raw = buffer_.TakeNotes();
      if (read) {
        step.readings.push_back({at, std::move(read->value), read->quality, std::move(raw)});
      } else {
        step.readings.push_back({at, {}, model::Quality::kBad, std::move(raw)});
        if (device.failure) device.failure = read.error();
      }
      device.answered = device.answered || read || IsAnswer(read.error().code);
      if (clock_.Now() - begin > kStepMax) break;
    }
    step.more = device.next < device.end;
    if (step.more) return step;
    // A chip with one dead sensor answers; one of which nothing can be read doesn't.
    step.answered = device.answered;
    step.status = device.failure;
    return step;
  }

  BusAnswer Write(std::size_t, const model::Value&, MonoTime) override {
    return {Unsupported("this driver writes nothing"), true, false};
  }

  BusAnswer Read(std::size_t property, MonoTime) override {
    Result<ChannelValue> read = ReadChannel(property);
    buffer_.TakeNotes();  // They would be told with the next poll's first channel.
    if (!read) return {read.error(), IsAnswer(read.error().code), false};
    if (read->value.none()) return {Unavailable("the sensor is switched off"), true, false};
    return {std::move(read->value)};
  }

 private:
  struct Known {
    std::unique_ptr<Channel> channel;
    std::optional<int> decimals;
  };
  struct Part {
    std::size_t begin = 0;  // Into channels_, which are in the order of properties.
    std::size_t end = 0;
    std::size_t next = 0;
    bool answered = false;  // In the running poll.
    Status failure;         // The first of the running poll.
  };

  Result<ChannelValue> ReadChannel(std::size_t at) {
    Result<ChannelValue> read = channels_[at].channel->Read(buffer_);
    if (read && read->value.type() == model::ValueType::kDouble) {
      read->value = model::Value(driver::Rounded(read->value.real(), channels_[at].decimals));
    }
    return read;
  }

  SystemClock clock_;
  ReadBuffer buffer_;
  std::vector<Known> channels_;
  std::vector<Part> parts_;
};

// A number and its file, for people: "FILE: 'CONTENT' is no number".
Error NoNumber(const KeptFile& file, std::string_view content) {
  const std::string shown = ToUtf8(Trimmed(content), kShownBytesMax);
  return Corrupt(file.path() + ": '" + shown + "' is no number");
}

}  // namespace

bool DeviceList::Begin(std::string_view device, std::string wire) {
  if (!limit_->Fits(devices_.size() + 1)) {
    limit_->Hit();
    return false;
  }
  Device& begun = devices_.emplace_back();
  begun.name = TakeName(names_, model::ToSegment(device));
  begun.wire = std::move(wire);
  limit_->Use(devices_.size());
  return true;
}

bool DeviceList::Add(std::string_view channel, const ChannelKind& kind, std::string source,
                     MakeChannel make) {
  Device& device = devices_.back();
  const std::string below =
      device.name + "/" + TakeName(device.channels, model::ToSegment(channel));
  Result<model::Path> path = model::Path::Parse(*thing_ + "/" + below);
  if (!path) {
    if (status_) status_ = path.error();
    return false;
  }
  model::PropertyDef def;
  def.path = *std::move(path);
  def.type = kind.type;
  def.unit = kind.unit;
  if (kind.type == model::ValueType::kDouble) def.decimals = kind.decimals;
  def.policy.deadband = kind.deadband;
  def.description = kind.description;
  def.source = std::move(source);
  rules_->Apply(below, def);
  device.found.emplace_back(std::move(def), std::move(make));
  return true;
}

void DeviceList::ReadWhole(std::chrono::milliseconds period, std::string identity,
                           MakeReader make) {
  Device& device = devices_.back();
  device.period = period;
  device.identity = std::move(identity);
  device.make = std::move(make);
}

driver::FoundBus DeviceList::WholeBus(Device device, const std::string& name) {
  driver::FoundBus bus;
  bus.options.name = name + ":" + device.name;
  bus.options.operation_deadline = kOperationMax;
  bus.options.stuck_after = kOperationMax;
  bus.options.parts.push_back({std::move(device.name), device.period});
  for (auto& [def, make] : device.found) bus.options.properties.push_back({0, std::move(def)});
  bus.identity = std::move(device.identity);
  bus.make = [make = std::move(device.make), properties = bus.options.properties] {
    return make(properties);
  };
  return bus;
}

std::vector<driver::FoundBus> DeviceList::Finish(const std::string& name,
                                                 std::chrono::milliseconds period) && {
  limit_->Use(devices_.size());
  std::vector<driver::FoundBus> buses;
  std::vector<std::vector<std::vector<NewChannel>>> channels;  // By bus and part.
  std::vector<driver::FoundBus> whole;
  std::map<std::string, std::size_t> by_wire;
  for (Device& device : devices_) {
    if (device.found.empty()) continue;
    if (device.make) {
      whole.push_back(WholeBus(std::move(device), name));
      continue;
    }
    const std::size_t next = by_wire.size() < kBusesMax ? by_wire.size() : 0;
    const std::size_t at = by_wire.emplace(device.wire, next).first->second;
    if (at == buses.size()) {
      buses.emplace_back();
      channels.emplace_back();
      buses[at].options.name = device.wire.empty() ? name : name + "/" + device.wire;
      buses[at].options.operation_deadline = kOperationMax;
      buses[at].options.stuck_after = kOperationMax;
    }
    driver::BusOptions& options = buses[at].options;
    channels[at].emplace_back();
    for (auto& [def, make] : device.found) {
      channels[at].back().push_back({std::move(make), def.decimals});
      options.properties.push_back({options.parts.size(), std::move(def)});
    }
    options.parts.push_back({std::move(device.name), period});
  }
  for (std::size_t at = 0; at < buses.size(); ++at) {
    buses[at].make = [own = std::move(channels[at])] { return std::make_unique<ChannelBus>(own); };
  }
  std::ranges::move(whole, std::back_inserter(buses));
  return buses;
}

std::string TakeName(std::set<std::string, std::less<>>& taken, std::string name) {
  std::string unique = name;
  for (int count = 2; !taken.insert(unique).second; ++count) {
    unique = name + "_" + std::to_string(count);
  }
  return unique;
}

Result<double> ReadNumber(KeptFile& file, ReadBuffer& buffer) {
  const Result<std::string_view> content = file.Read(buffer);
  if (!content) return content.error();
  const std::optional<double> number = ParseDouble(Trimmed(*content));
  if (!number) return NoNumber(file, *content);
  return *number;
}

Result<std::int64_t> ReadInteger(KeptFile& file, ReadBuffer& buffer) {
  const Result<std::string_view> content = file.Read(buffer);
  if (!content) return content.error();
  const std::optional<std::int64_t> number = ParseSigned(Trimmed(*content));
  if (!number) return NoNumber(file, *content);
  return *number;
}

}  // namespace edgetwin::sysfs
