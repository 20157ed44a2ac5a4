// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <optional>

#include "drivers/host/collector.h"
#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::host {
namespace {

constexpr std::size_t kProcessesMax = 65'536;
constexpr std::size_t kKernelBytesMax = 128;

// What comes from outside and goes out as UTF-8: plain characters only.
std::string Printable(std::string_view text) {
  std::string result(text.substr(0, kKernelBytesMax));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

class SystemCollector final : public Collector {
 public:
  explicit SystemCollector(const HostOptions& options)
      : proc_(options.root + "/proc"),
        uptime_file_(proc_ + "/uptime"),
        loadavg_(proc_ + "/loadavg"),
        file_nr_(proc_ + "/sys/fs/file-nr") {}

  Status Collect(Poll& poll) override {
    if (!defined_) Define(poll.metrics);
    Status status;
    Keep(status, CollectUptime(poll));
    Keep(status, CollectThreads(poll));
    Keep(status, CollectFiles(poll));
    if (pace_.Due(poll.clock.Now())) {
      slow_ = CollectProcesses(poll.metrics);
      Keep(slow_, CollectKernel(poll.metrics));
    }
    Keep(status, slow_);
    return status;
  }

 private:
  static void Keep(Status& first, Status next) {
    if (first && !next) first = std::move(next);
  }

  void Define(Metrics& metrics) {
    defined_ = true;
    static constexpr MetricKind kSeconds{model::ValueType::kInt, "s", 0, 59,
                                         "Time since the machine started"};
    static constexpr MetricKind kText{model::ValueType::kString, "", 0, 0, "Version of the kernel"};
    uptime_ = metrics.Define("system/uptime_s", kSeconds, uptime_file_.path());
    threads_ = metrics.Define("system/threads",
                              Described(kCount, "Threads of all processes and the kernel"),
                              loadavg_.path());
    processes_ = metrics.Define("system/processes", Described(kCount, "Processes"), proc_);
    files_ = metrics.Define("system/open_files", Described(kCount, "File handles in use"),
                            file_nr_.path());
    files_max_ =
        metrics.Define("system/open_files_max",
                       Described(kCount, "File handles that the kernel allows"), file_nr_.path());
    kernel_ = metrics.Define("system/kernel", kText, proc_ + "/sys/kernel/osrelease");
  }

  Status CollectUptime(Poll& poll) {
    const Result<std::string_view> content = uptime_file_.Read(poll.buffer);
    std::string_view rest = content ? *content : std::string_view();
    poll.metrics.Says(rest);
    const std::optional<double> seconds = sysfs::ParseDouble(sysfs::TakeWord(rest));
    if (seconds && *seconds >= 0 && *seconds < 1e12) {
      poll.metrics.ReportCount(uptime_, static_cast<std::uint64_t>(*seconds));
      return {};
    }
    poll.metrics.ReportBad(uptime_);
    return content ? Status(Corrupt(uptime_file_.path() + ": no uptime")) : Status(content.error());
  }

  // "0.20 0.18 0.12 1/80 11206": the number after the slash.
  Status CollectThreads(Poll& poll) {
    const Result<std::string_view> content = loadavg_.Read(poll.buffer);
    std::string_view rest = content ? *content : std::string_view();
    poll.metrics.Says(rest);
    for (int word = 0; word < 3; ++word) sysfs::TakeWord(rest);
    const std::string_view tasks = sysfs::TakeWord(rest);
    const std::size_t slash = tasks.find('/');
    const auto threads =
        slash == tasks.npos ? std::nullopt : sysfs::ParseUnsigned(tasks.substr(slash + 1));
    if (threads) {
      poll.metrics.ReportCount(threads_, *threads);
      return {};
    }
    poll.metrics.ReportBad(threads_);
    return content ? Status(Corrupt(loadavg_.path() + ": no number of threads"))
                   : Status(content.error());
  }

  // "592 0 2466183": allocated, free (always 0 since 2.6), the most.
  Status CollectFiles(Poll& poll) {
    const Result<std::string_view> content = file_nr_.Read(poll.buffer);
    std::string_view rest = content ? *content : std::string_view();
    poll.metrics.Says(rest);
    const std::optional<std::uint64_t> used = sysfs::TakeUnsigned(rest);
    sysfs::TakeWord(rest);
    const std::optional<std::uint64_t> max = sysfs::TakeUnsigned(rest);
    if (used && max) {
      poll.metrics.ReportCount(files_, *used);
      poll.metrics.ReportCount(files_max_, *max);
      return {};
    }
    poll.metrics.ReportBad(files_);
    poll.metrics.ReportBad(files_max_);
    return content ? Status(Corrupt(file_nr_.path() + ": no numbers")) : Status(content.error());
  }

  Status CollectProcesses(Metrics& metrics) {
    metrics.Says({});
    const Result<std::vector<std::string>> names = sysfs::ListFolder(proc_, kProcessesMax);
    if (!names) {
      metrics.ReportBad(processes_);
      return names.error();
    }
    const auto count = std::count_if(names->begin(), names->end(), [](const std::string& name) {
      return sysfs::ParseUnsigned(name).has_value();
    });
    metrics.ReportCount(processes_, static_cast<std::uint64_t>(count));
    return {};
  }

  Status CollectKernel(Metrics& metrics) {
    const Result<std::string> release = sysfs::ReadOnce(proc_ + "/sys/kernel/osrelease");
    if (!release) {
      metrics.ReportBad(kernel_);
      return release.error();
    }
    metrics.Says(*release);
    metrics.ReportText(kernel_, Printable(*release));
    return {};
  }

  std::string proc_;
  sysfs::KeptFile uptime_file_;
  sysfs::KeptFile loadavg_;
  sysfs::KeptFile file_nr_;
  SlowPace pace_;
  Status slow_;
  bool defined_ = false;
  Metric uptime_, threads_, processes_, files_, files_max_, kernel_;
};

}  // namespace

std::unique_ptr<Collector> MakeSystemCollector(const HostOptions& options) {
  return std::make_unique<SystemCollector>(options);
}

}  // namespace edgetwin::host
