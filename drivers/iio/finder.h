// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Finds the devices, and decides which are polled and which are captured.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drivers/iio/buffer_config.h"
#include "drivers/iio/capture_bus.h"
#include "drivers/iio/devices.h"
#include "drivers/sdk/discovering_driver.h"
#include "drivers/sdk/policy.h"
#include "drivers/sdk/sysfs/filter.h"

namespace edgetwin::iio {

class Finder final : public driver::DiscoveringDriver {
 public:
  // Each has a thread; devices beyond are polled.
  static constexpr std::uint64_t kCapturesMax = 16;

  // Before Start: what captures hand their samples to.
  void set_tally(std::shared_ptr<CaptureTally> tally) { tally_ = std::move(tally); }
  LimitReport captures_limit() const { return captures_limit_.Report("captured_devices"); }

 protected:
  void Configure(ConfigReader& config) override;
  driver::FoundBuses Scan() override;

 private:
  void AddDevice(const Device& device, sysfs::DeviceList& list, Status& status);
  // Whether it is captured; `why` it can't be although it should.
  Result<bool> AddCapture(const Device& device, sysfs::DeviceList& list);
  Result<std::vector<Element>> ElementsOf(const Device& device, const BufferOptions& buffer,
                                          const BufferFolders& folders) const;
  bool Passes(const Device& device, const std::string& channel) const;

  std::string thing_;
  driver::PolicyRules rules_;
  std::string root_;
  sysfs::NameFilter devices_;
  sysfs::NameFilter channels_;
  std::vector<BufferOptions> buffers_;
  std::shared_ptr<CaptureTally> tally_;
  std::uint64_t captures_ = 0;  // Found by the running scan.
  Limit captures_limit_{kCapturesMax};
};

}  // namespace edgetwin::iio
