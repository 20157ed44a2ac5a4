// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <optional>

#include "drivers/host/collector.h"
#include "drivers/host/devices.h"
#include "drivers/sdk/sysfs/text.h"
#include "twin/model/path.h"

namespace edgetwin::host {
namespace {

// The kernel counts in sectors of 512 bytes whatever the device's own are
// (Documentation/block/stat.rst).
constexpr std::uint64_t kSectorBytes = 512;

// The columns of /proc/diskstats that are used (Documentation/admin-guide/iostats.rst).
struct DiskCounters {
  std::uint64_t sectors_read = 0;
  std::uint64_t sectors_written = 0;
  std::uint64_t busy_ms = 0;
};

std::optional<DiskCounters> ParseCounters(std::string_view columns) {
  // reads, merged, sectors, ms, writes, merged, sectors, ms, in flight, busy ms.
  std::uint64_t values[10];
  for (std::uint64_t& value : values) {
    const std::optional<std::uint64_t> next = sysfs::TakeUnsigned(columns);
    if (!next) return std::nullopt;
    value = *next;
  }
  return DiskCounters{values[2], values[6], values[9]};
}

class DiskIoCollector final : public Collector {
 public:
  explicit DiskIoCollector(const HostOptions& options)
      : options_(&options), diskstats_(options.root + "/proc/diskstats") {}

  Status Collect(Poll& poll) override {
    const MonoTime now = poll.clock.Now();
    const Result<std::string_view> content = diskstats_.Read(poll.buffer);
    if (!content) {
      devices_.ForEach([&](Device& device) { ReportBad(poll.metrics, device); });
      return content.error();
    }
    Status status;
    std::string_view rest = *content;
    while (!rest.empty()) {
      std::string_view line = sysfs::TakeLine(rest);
      poll.metrics.Says(line);
      sysfs::TakeWord(line);
      sysfs::TakeWord(line);
      const std::string_view name = sysfs::TakeWord(line);
      if (name.empty()) continue;
      Device* device =
          devices_.See(name, [&](std::string_view) { return Make(poll.metrics, name); });
      if (device == nullptr || !device->watched) continue;
      const std::optional<DiskCounters> counters = ParseCounters(line);
      if (counters) {
        Report(poll.metrics, *device, *counters, now);
        continue;
      }
      ReportBad(poll.metrics, *device);
      if (status)
        status = Corrupt(diskstats_.path() + ": no numbers after '" + std::string(name) + "'");
    }
    devices_.Sweep([&](Device& device) { Remove(poll.metrics, device); });
    return status;
  }

  std::vector<LimitReport> limits() const override { return {devices_.Report("block_devices")}; }

 private:
  struct Device {
    bool watched = false;  // Others are remembered, so that they are looked into once.
    Metric read, written, busy;
    Rate read_rate, written_rate, busy_rate;
  };

  Device Make(Metrics& metrics, std::string_view kernel_name) {
    Device device;
    const std::string folder = options_->root + "/sys/block/" + std::string(kernel_name);
    // Partitions are not in /sys/block: their traffic is their disk's.
    device.watched = options_->diskio.Passes(kernel_name) && sysfs::Exists(folder);
    if (!device.watched) return device;
    // Mapped devices come back under another number; their names stay.
    const Result<std::string> mapped = sysfs::ReadOnce(folder + "/dm/name");
    const std::string name =
        model::ToSegment(mapped && !mapped->empty() ? *mapped : std::string(kernel_name));
    const std::string source = diskstats_.path() + " " + std::string(kernel_name);
    const auto define = [&](std::string_view property, const MetricKind& kind,
                            std::string_view text) {
      return metrics.Define("diskio/" + name + "/" + std::string(property), Described(kind, text),
                            source);
    };
    device.read = define("read_bytes_per_s", kBytesPerSecond, "Read from the device");
    device.written = define("write_bytes_per_s", kBytesPerSecond, "Written to the device");
    device.busy = define("busy_percent", kPercent, "Time with a request outstanding");
    return device;
  }

  static void Report(Metrics& metrics, Device& device, const DiskCounters& counters, MonoTime now) {
    const auto read = device.read_rate.PerSecond(counters.sectors_read, now);
    const auto written = device.written_rate.PerSecond(counters.sectors_written, now);
    const auto busy_ms = device.busy_rate.PerSecond(counters.busy_ms, now);
    if (read) metrics.Report(device.read, *read * kSectorBytes);
    if (written) metrics.Report(device.written, *written * kSectorBytes);
    // Rounding to milliseconds can make it a little more than all the time.
    if (busy_ms) metrics.Report(device.busy, std::min(100.0, *busy_ms / 10));
  }

  static void ReportBad(Metrics& metrics, const Device& device) {
    for (const Metric& metric : {device.read, device.written, device.busy})
      metrics.ReportBad(metric);
  }

  static void Remove(Metrics& metrics, const Device& device) {
    for (const Metric& metric : {device.read, device.written, device.busy}) metrics.Remove(metric);
  }

  const HostOptions* options_;
  sysfs::KeptFile diskstats_;
  Devices<Device> devices_;
};

}  // namespace

std::unique_ptr<Collector> MakeDiskIoCollector(const HostOptions& options) {
  return std::make_unique<DiskIoCollector>(options);
}

}  // namespace edgetwin::host
