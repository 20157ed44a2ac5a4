// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <optional>

#include "drivers/host/collector.h"
#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::host {
namespace {

struct Entry {
  std::optional<std::uint64_t> bytes;
  std::string_view line;  // In the file.
};
struct Memory {
  Entry total, free, available, buffers, cached, swap_total, swap_free;
};

// "16384 kB" in bytes.
std::optional<std::uint64_t> ParseKilobytes(std::string_view text) {
  const std::optional<std::uint64_t> kilobytes = sysfs::TakeUnsigned(text);
  if (!kilobytes || *kilobytes > (std::uint64_t{1} << 53) || sysfs::TakeWord(text) != "kB") {
    return std::nullopt;
  }
  return *kilobytes * 1024;
}

Memory ParseMemory(std::string_view content) {
  Memory memory;
  while (!content.empty()) {
    const std::string_view line = sysfs::TakeLine(content);
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view key = line.substr(0, colon);
    const auto take = [&](std::string_view wanted, Entry& entry) {
      if (key == wanted) entry = {ParseKilobytes(line.substr(colon + 1)), line};
    };
    take("MemTotal", memory.total);
    take("MemFree", memory.free);
    take("MemAvailable", memory.available);
    take("Buffers", memory.buffers);
    take("Cached", memory.cached);
    take("SwapTotal", memory.swap_total);
    take("SwapFree", memory.swap_free);
  }
  // Kernels before 3.14 don't say what is available; this is what people computed then.
  if (!memory.available.bytes && memory.free.bytes && memory.buffers.bytes && memory.cached.bytes) {
    memory.available = {*memory.free.bytes + *memory.buffers.bytes + *memory.cached.bytes,
                        memory.free.line};
  }
  return memory;
}

class MemoryCollector final : public Collector {
 public:
  explicit MemoryCollector(const HostOptions& options) : meminfo_(options.root + "/proc/meminfo") {}

  Status Collect(Poll& poll) override {
    if (!defined_) Define(poll.metrics);
    const Result<std::string_view> content = meminfo_.Read(poll.buffer);
    const Memory memory = content ? ParseMemory(*content) : Memory();
    Status status;
    if (!content) status = content.error();
    Report(poll.metrics, memory.total, memory.available, {total_, available_, used_},
           "MemAvailable", status);
    Report(poll.metrics, memory.swap_total, memory.swap_free, {swap_total_, swap_free_, swap_used_},
           "SwapFree", status);
    return status;
  }

 private:
  struct Trio {
    Metric total, free, used_percent;
  };

  void Define(Metrics& metrics) {
    defined_ = true;
    const auto define = [&](std::string_view name, const MetricKind& kind, std::string_view text) {
      return metrics.Define(name, Described(kind, text), meminfo_.path());
    };
    total_ = define("memory/total_bytes", kBytes, "Memory that the kernel manages");
    available_ =
        define("memory/available_bytes", kBytes, "Memory that programs can get without swapping");
    used_ = define("memory/used_percent", kPercent, "Memory that is not available");
    swap_total_ = define("memory/swap_total_bytes", kBytes, "Swap space");
    swap_free_ = define("memory/swap_free_bytes", kBytes, "Swap space that is free");
    swap_used_ = define("memory/swap_used_percent", kPercent, "Swap space in use");
  }

  // What contradicts itself is garbage too: more free than there is.
  void Report(Metrics& metrics, const Entry& total_entry, const Entry& free_entry, const Trio& trio,
              std::string_view key, Status& status) {
    const auto& [total, total_line] = total_entry;
    const auto& [free, free_line] = free_entry;
    if (!total || !free || *free > *total) {
      metrics.Says(free_line);
      for (const Metric& metric : {trio.total, trio.free, trio.used_percent})
        metrics.ReportBad(metric);
      if (status) {
        status = Corrupt(meminfo_.path() + ": " + std::string(key) +
                         " or its total is missing or makes no sense");
      }
      return;
    }
    metrics.Says(total_line);
    metrics.ReportCount(trio.total, *total);
    metrics.Says(free_line);
    metrics.ReportCount(trio.free, *free);
    const double used = static_cast<double>(*total - *free);
    metrics.Report(trio.used_percent, *total == 0 ? 0 : 100 * used / static_cast<double>(*total));
  }

  sysfs::KeptFile meminfo_;
  bool defined_ = false;
  Metric total_, available_, used_, swap_total_, swap_free_, swap_used_;
};

}  // namespace

std::unique_ptr<Collector> MakeMemoryCollector(const HostOptions& options) {
  return std::make_unique<MemoryCollector>(options);
}

}  // namespace edgetwin::host
