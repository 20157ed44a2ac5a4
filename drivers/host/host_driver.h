// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// This machine as a thing: processor, memory, disks, network, temperatures, from /proc, /sys and
// statvfs(2).

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/host/collector.h"
#include "drivers/sdk/policy.h"
#include "drivers/sdk/poll_driver.h"

namespace edgetwin::host {

class HostDriver final : public driver::PollDriver {
 public:
  // `probe` measures filesystems: recorded trees have none of their own.
  explicit HostDriver(SpaceProbe probe = ProbeSpace);
  ~HostDriver() override;

  std::vector<LimitReport> limits() const override;

 protected:
  void Configure(ConfigReader& config) override;
  Status Open(driver::SampleSink& sink) override;
  Status Poll(driver::SampleSink& sink) override;
  void Close() override;

 private:
  using Make = std::unique_ptr<Collector> (*)(const HostOptions&);

  std::string thing_;
  driver::PolicyRules rules_;
  HostOptions options_;
  std::vector<Make> makes_;  // As configured.
  sysfs::ReadBuffer buffer_;
  std::vector<std::unique_ptr<Collector>> collectors_;  // While started.
  std::optional<Metrics> metrics_;
};

driver::DriverKind HostKind();

}  // namespace edgetwin::host
