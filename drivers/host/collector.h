// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the host driver polls: one collector a subject, each on its own files.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/host/metrics.h"
#include "drivers/sdk/sysfs/files.h"
#include "drivers/sdk/sysfs/filter.h"
#include "twin/base/limit.h"
#include "twin/base/result.h"

namespace edgetwin::host {

// The space of one filesystem, as statvfs(2) has it.
struct FilesystemSpace {
  std::uint64_t block_bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t blocks_free = 0;
  std::uint64_t blocks_available = 0;  // To others than root.
  std::uint64_t inodes = 0;            // 0: the filesystem has no fixed number.
  std::uint64_t inodes_free = 0;
};
using SpaceProbe = Result<FilesystemSpace> (*)(const std::string& folder);
Result<FilesystemSpace> ProbeSpace(const std::string& folder);

struct HostOptions {
  std::string root;  // Before "/proc" and "/sys": "" for this machine.
  bool per_core = true;
  sysfs::NameFilter disks;       // Mount points, or their names in paths.
  sysfs::NameFilter diskio;      // Block devices.
  sysfs::NameFilter interfaces;  // Network interfaces.
  sysfs::NameFilter sensors;     // Temperature sensors, by their names in paths.
  SpaceProbe probe = ProbeSpace;
};

struct Poll {
  Metrics& metrics;
  sysfs::ReadBuffer& buffer;
  const Clock& clock;
};

class Collector {
 public:
  virtual ~Collector() = default;
  // Reads its files and reports. What can't be read is reported as bad; the status is the first
  // such failure.
  virtual Status Collect(Poll& poll) = 0;
  virtual std::vector<LimitReport> limits() const { return {}; }
};

// `options` must outlive the collector.
std::unique_ptr<Collector> MakeCpuCollector(const HostOptions& options);
std::unique_ptr<Collector> MakeLoadCollector(const HostOptions& options);
std::unique_ptr<Collector> MakeMemoryCollector(const HostOptions& options);
std::unique_ptr<Collector> MakeDiskCollector(const HostOptions& options);
std::unique_ptr<Collector> MakeDiskIoCollector(const HostOptions& options);
std::unique_ptr<Collector> MakeNetCollector(const HostOptions& options);
std::unique_ptr<Collector> MakeTemperatureCollector(const HostOptions& options);
std::unique_ptr<Collector> MakeSystemCollector(const HostOptions& options);

// For what changes slowly or costs more: due at most every ten seconds, whatever the period is.
class SlowPace {
 public:
  bool Due(MonoTime now);

 private:
  bool ran_ = false;
  MonoTime last_;
};

inline constexpr MetricKind kPercent{model::ValueType::kDouble, "%", 1, 0.5, ""};
inline constexpr MetricKind kBytes{model::ValueType::kInt, "By", 0, 1 << 20, ""};
inline constexpr MetricKind kBytesPerSecond{model::ValueType::kDouble, "By/s", 0, 0, ""};
inline constexpr MetricKind kCount{model::ValueType::kInt, "1", 0, 0, ""};

// The same kind, described.
constexpr MetricKind Described(MetricKind kind, std::string_view description) {
  kind.description = description;
  return kind;
}

}  // namespace edgetwin::host
