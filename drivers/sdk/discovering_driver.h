// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Base for drivers that find their devices by themselves, on buses whose reading may block: the
// sensors of /sys, where reading a file may mean a slow transfer on a wire.
//
// A scan, on the loop, lists what is there now; each bus that it finds is read by a BlockingDriver
// on a thread of its own. When a scan finds another set of devices on a bus, that bus's reader is
// stopped and started with the new set; properties that no bus has any more are removed.

#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drivers/sdk/blocking_driver.h"

namespace edgetwin::driver {

// One bus as a scan found it.
struct FoundBus {
  // `options.name` is unique within the instance and the same in every scan.
  BusOptions options;
  // What else the running bus depends on: the files' paths. A bus that is found again with equal
  // parts, properties and identity keeps running.
  std::string identity;
  // Makes the device side; called on the loop, more than once for a bus that comes back. No I/O.
  std::function<std::unique_ptr<BlockingBus>()> make;
};

struct FoundBuses {
  Status status;  // Why there is less than there should be: a folder that can't be listed.
  std::vector<FoundBus> buses;
};

// Options: `period` (10ms to 1d, default 10s) and `rescan` (1s to 1d, default 10s). Loop thread
// only.
class DiscoveringDriver : public Driver {
 public:
  // Devices that one instance follows; Scan leaves out the others and counts them.
  static constexpr std::uint64_t kDevicesMax = 256;

  DiscoveringDriver();
  ~DiscoveringDriver() override;
  DiscoveringDriver(const DiscoveringDriver&) = delete;
  DiscoveringDriver& operator=(const DiscoveringDriver&) = delete;

  bool Init(ConfigReader& config) final;
  // Scans at once, then every `rescan`. What a scan could not do is told as a failed poll without a
  // part; so is a property that the sink refuses, and its bus goes on without it.
  Status Start(Loop& loop, SampleSink& sink) final;
  void Stop() final;
  Status Read(model::PropertyId id, ReadDone done) final;
  std::vector<PartStatus> parts() const final;
  // "devices", and the sums of BlockingDriver's.
  std::vector<LimitReport> limits() const final;

 protected:
  // Reads the driver's own options, with problems going to `config`. No I/O.
  virtual void Configure(ConfigReader& config) = 0;
  // Lists what is there: folders and files that the kernel answers from memory. Nothing that asks a
  // device.
  virtual FoundBuses Scan() = 0;

  std::chrono::milliseconds period() const { return period_; }
  // Scan says how many devices it has, and hits it once for each that it leaves out.
  Limit& devices_limit() { return devices_limit_; }

 private:
  class Reader;
  class Gate;

  void OnScan();
  void DropAllBut(const std::vector<FoundBus>& found);
  void StartNew(std::vector<FoundBus> found);
  void RemoveAllBut(const std::vector<FoundBus>& found);

  std::chrono::milliseconds period_{10'000};
  std::chrono::milliseconds rescan_{10'000};
  std::string prefix_;
  Limit devices_limit_{kDevicesMax};
  Loop* loop_ = nullptr;  // Null while stopped.
  Loop::Id timer_ = Loop::Id::kNone;
  bool scan_failed_ = false;
  std::unique_ptr<Gate> gate_;
  // By bus name. After Stop they stay, stopped, until the next Start: Stop may come from below one.
  std::map<std::string, std::unique_ptr<Reader>> readers_;
};

}  // namespace edgetwin::driver
