// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <optional>

#include "drivers/host/collector.h"
#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::host {
namespace {

class LoadCollector final : public Collector {
 public:
  explicit LoadCollector(const HostOptions& options) : loadavg_(options.root + "/proc/loadavg") {}

  Status Collect(Poll& poll) override {
    if (!defined_) Define(poll.metrics);
    const Result<std::string_view> content = loadavg_.Read(poll.buffer);
    std::string_view rest = content ? *content : std::string_view();
    poll.metrics.Says(rest);
    Status status;
    if (!content) status = content.error();
    for (const Metric& metric : metrics_) {
      const std::string_view word = sysfs::TakeWord(rest);
      const std::optional<double> load = sysfs::ParseDouble(word);
      if (load && *load >= 0) {
        poll.metrics.Report(metric, *load);
        continue;
      }
      poll.metrics.ReportBad(metric);
      if (status) status = Corrupt(loadavg_.path() + ": '" + std::string(word) + "' is not a load");
    }
    return status;
  }

 private:
  void Define(Metrics& metrics) {
    defined_ = true;
    static constexpr MetricKind kLoad{model::ValueType::kDouble, "1", 2, 0.05,
                                      "Tasks that run or wait, on average"};
    metrics_[0] = metrics.Define("load/1min", kLoad, loadavg_.path());
    metrics_[1] = metrics.Define("load/5min", kLoad, loadavg_.path());
    metrics_[2] = metrics.Define("load/15min", kLoad, loadavg_.path());
  }

  sysfs::KeptFile loadavg_;
  bool defined_ = false;
  std::array<Metric, 3> metrics_;
};

}  // namespace

std::unique_ptr<Collector> MakeLoadCollector(const HostOptions& options) {
  return std::make_unique<LoadCollector>(options);
}

}  // namespace edgetwin::host
