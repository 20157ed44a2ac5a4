// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Devices whose every value is read from small files: what hwmon, thermal and iio have in common.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/discovering_driver.h"
#include "drivers/sdk/policy.h"
#include "drivers/sdk/sysfs/files.h"

namespace edgetwin::sysfs {

// What a channel gave. A value of none: it has none now, though nothing is wrong (it is switched
// off); reported as bad.
struct ChannelValue {
  model::Value value;
  model::Quality quality = model::Quality::kGood;
};

// One value of a device. Lives on its bus's thread.
class Channel {
 public:
  virtual ~Channel() = default;
  // May block for as long as the kernel does. kNotFound, kUnavailable and kPermission: the device
  // doesn't answer; any other code: it answers nonsense. Doubles need no rounding: the bus does it.
  virtual Result<ChannelValue> Read(ReadBuffer& buffer) = 0;
};
using MakeChannel = std::function<std::unique_ptr<Channel>()>;

// What all properties of one kind have in common.
struct ChannelKind {
  model::ValueType type = model::ValueType::kDouble;
  std::string_view unit;  // UCUM.
  int decimals = 0;       // Doubles only.
  double deadband = 0;    // The default; the operator's policy rules stand above it.
  std::string_view description;
};

// Collects what a scan finds and makes buses of it, one for each wire: a part for each device, a
// property for each channel. Paths are thing/device/channel, each part made fit for a path; of
// equal names the second is called NAME_2.
class DeviceList {
 public:
  // All must outlive the list.
  DeviceList(const std::string& thing, const driver::PolicyRules& rules, Limit& devices)
      : thing_(&thing), rules_(&rules), limit_(&devices) {}

  // Each bus is a thread; devices on further wires share the first bus.
  static constexpr std::size_t kBusesMax = 16;

  // The channels that follow are of this device. Devices with different `wire`s don't wait for each
  // other. False, and then nothing may follow, when there are
  // too many.
  bool Begin(std::string_view device, std::string wire = "");
  // `source` tells a technician where the value comes from, and the bus is restarted when it
  // changes: the channel's file. False when its path can't be.
  bool Add(std::string_view channel, const ChannelKind& kind, std::string source, MakeChannel make);

  // Makes what reads a whole device, from its properties, which are in the order of Add.
  using MakeReader = std::function<std::unique_ptr<driver::BlockingBus>(
      const std::vector<driver::BusProperty>& properties)>;
  // The device begun last isn't read channel by channel but by `make`, on a bus of its own; what
  // its channels are made with isn't used. The bus is restarted when `identity` changes.
  void ReadWhole(std::chrono::milliseconds period, std::string identity, MakeReader make);

  // Devices without channels are no parts. The buses' names begin with `name`.
  std::vector<driver::FoundBus> Finish(const std::string& name,
                                       std::chrono::milliseconds period) &&;
  // The first path that can't be, if any.
  const Status& status() const { return status_; }

 private:
  struct Device {
    std::string name;
    std::string wire;
    std::set<std::string, std::less<>> channels;
    std::vector<std::pair<model::PropertyDef, MakeChannel>> found;
    // Of one that is read as a whole.
    std::chrono::milliseconds period{0};
    std::string identity;
    MakeReader make;
  };

  static driver::FoundBus WholeBus(Device device, const std::string& name);

  const std::string* thing_;
  const driver::PolicyRules* rules_;
  Limit* limit_;
  std::set<std::string, std::less<>> names_;
  std::vector<Device> devices_;
  Status status_;
};

// `name`, or NAME_2, NAME_3, … when it is taken; takes it.
std::string TakeName(std::set<std::string, std::less<>>& taken, std::string name);

// The number that a file of one number holds, blanks around it allowed. kInvalid: it holds
// something else, which the text shows.
Result<double> ReadNumber(KeptFile& file, ReadBuffer& buffer);
Result<std::int64_t> ReadInteger(KeptFile& file, ReadBuffer& buffer);

}  // namespace edgetwin::sysfs
