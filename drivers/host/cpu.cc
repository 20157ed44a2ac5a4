// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <optional>
#include <utility>

#include "drivers/host/collector.h"
#include "drivers/host/devices.h"
#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::host {
namespace {

// The columns of /proc/stat, as proc(5) has them. The guest columns that follow are part of user
// and nice already.
enum Mode { kUser, kNice, kSystem, kIdle, kIowait, kIrq, kSoftirq, kSteal, kModes };
using Ticks = std::array<std::uint64_t, kModes>;

// Kernels before 2.5.41 had four columns; any that follow may be missing, the first four may not.
std::optional<Ticks> ParseTicks(std::string_view columns) {
  Ticks ticks{};
  for (std::size_t mode = 0; mode < kModes; ++mode) {
    const std::string_view word = sysfs::TakeWord(columns);
    if (word.empty() && mode > kIdle) break;
    const std::optional<std::uint64_t> value = sysfs::ParseUnsigned(word);
    if (!value) return std::nullopt;
    ticks[mode] = *value;
  }
  return ticks;
}

// Shares of the time between two readings, in percent.
struct Shares {
  double busy = 0;
  double user = 0;
  double system = 0;
  double iowait = 0;
  double steal = 0;
};

// Nothing when no time passed, or when counters went back. proc(5): iowait is not reliable and may
// decrease, and so does idle on machines without a tick; for these two, going back is no progress
// and not a reset.
std::optional<Shares> SharesBetween(const Ticks& before, const Ticks& now) {
  Ticks passed{};
  std::uint64_t total = 0;
  for (std::size_t mode = 0; mode < kModes; ++mode) {
    const bool back = now[mode] < before[mode];
    if (back && mode != kIdle && mode != kIowait) return std::nullopt;
    passed[mode] = back ? 0 : now[mode] - before[mode];
    total += passed[mode];
  }
  if (total == 0) return std::nullopt;
  const auto percent = [&](std::uint64_t ticks) {
    return 100.0 * static_cast<double>(ticks) / static_cast<double>(total);
  };
  Shares shares;
  shares.busy = percent(total - passed[kIdle] - passed[kIowait]);
  shares.user = percent(passed[kUser] + passed[kNice]);
  shares.system = percent(passed[kSystem] + passed[kIrq] + passed[kSoftirq]);
  shares.iowait = percent(passed[kIowait]);
  shares.steal = percent(passed[kSteal]);
  return shares;
}

class CpuCollector final : public Collector {
 public:
  explicit CpuCollector(const HostOptions& options)
      : options_(&options), stat_(options.root + "/proc/stat") {}

  Status Collect(Poll& poll) override {
    if (!defined_) Define(poll.metrics);
    const Result<std::string_view> content = stat_.Read(poll.buffer);
    if (!content) return Fail(poll.metrics, content.error());
    std::string_view rest = *content;
    bool found_total = false;
    // The lines of processors come first, the sum of all before them.
    while (rest.starts_with("cpu")) {
      std::string_view line = sysfs::TakeLine(rest);
      poll.metrics.Says(line);
      const std::string_view name = sysfs::TakeWord(line);
      const std::optional<Ticks> ticks = ParseTicks(line);
      if (!ticks)
        return Fail(poll.metrics,
                    Corrupt(stat_.path() + ": no numbers after '" + std::string(name) + "'"));
      if (name == "cpu") {
        found_total = true;
        ReportTotal(poll.metrics, *ticks);
      } else if (options_->per_core) {
        ReportCore(poll.metrics, name.substr(3), *ticks);
      }
    }
    cores_.Sweep([&](Core& core) { poll.metrics.Remove(core.busy); });
    if (!found_total) return Fail(poll.metrics, Corrupt(stat_.path() + ": no line 'cpu'"));
    return {};
  }

  std::vector<LimitReport> limits() const override { return {cores_.Report("cpu_cores")}; }

 private:
  struct Core {
    Metric busy;
    std::optional<Ticks> ticks;
  };

  void Define(Metrics& metrics) {
    defined_ = true;
    const std::string source = stat_.path() + " cpu";
    const auto define = [&](std::string_view name, std::string_view description) {
      return metrics.Define(name, Described(kPercent, description), source);
    };
    total_ = define("cpu/total_percent", "Time that all cores were busy");
    user_ = define("cpu/user_percent", "Time in programs");
    system_ = define("cpu/system_percent", "Time in the kernel, interrupts included");
    iowait_ = define("cpu/iowait_percent", "Idle time with a disk request outstanding");
    steal_ = define("cpu/steal_percent", "Time that the hypervisor gave to others");
  }

  void ReportTotal(Metrics& metrics, const Ticks& now) {
    const std::optional<Ticks> before = std::exchange(ticks_, now);
    if (!before) return;
    const std::optional<Shares> shares = SharesBetween(*before, now);
    if (!shares) return;
    metrics.Report(total_, shares->busy);
    metrics.Report(user_, shares->user);
    metrics.Report(system_, shares->system);
    metrics.Report(iowait_, shares->iowait);
    metrics.Report(steal_, shares->steal);
  }

  void ReportCore(Metrics& metrics, std::string_view number, const Ticks& now) {
    if (!sysfs::ParseUnsigned(number)) return;
    Core* core = cores_.See(number, [&](std::string_view) {
      const std::string name = "cpu/core" + std::string(number) + "_percent";
      const std::string source = stat_.path() + " cpu" + std::string(number);
      return Core{metrics.Define(name, Described(kPercent, "Time that the core was busy"), source),
                  std::nullopt};
    });
    if (core == nullptr) return;
    const std::optional<Ticks> before = std::exchange(core->ticks, now);
    if (!before) return;
    const std::optional<Shares> shares = SharesBetween(*before, now);
    if (shares) metrics.Report(core->busy, shares->busy);
  }

  Status Fail(Metrics& metrics, Error error) {
    for (const Metric& metric : {total_, user_, system_, iowait_, steal_})
      metrics.ReportBad(metric);
    cores_.ForEach([&](Core& core) { metrics.ReportBad(core.busy); });
    return error;
  }

  const HostOptions* options_;
  sysfs::KeptFile stat_;
  bool defined_ = false;
  Metric total_, user_, system_, iowait_, steal_;
  std::optional<Ticks> ticks_;
  Devices<Core> cores_;
};

}  // namespace

std::unique_ptr<Collector> MakeCpuCollector(const HostOptions& options) {
  return std::make_unique<CpuCollector>(options);
}

}  // namespace edgetwin::host
