// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include "drivers/host/collector.h"
#include "drivers/host/devices.h"
#include "drivers/host/mounts.h"

namespace edgetwin::host {
namespace {

std::uint64_t Times(std::uint64_t blocks, std::uint64_t block_bytes) {
  std::uint64_t bytes = 0;
  const bool overflow = __builtin_mul_overflow(blocks, block_bytes, &bytes);
  return overflow ? std::numeric_limits<std::uint64_t>::max() : bytes;
}

double Percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

// The space of mounted filesystems, at a slow pace: it changes slowly, and each costs a call.
class DiskCollector final : public Collector {
 public:
  explicit DiskCollector(const HostOptions& options)
      : options_(&options), mountinfo_(options.root + "/proc/self/mountinfo") {}

  Status Collect(Poll& poll) override {
    if (!pace_.Due(poll.clock.Now())) return last_;
    const Result<std::string_view> content = mountinfo_.Read(poll.buffer);
    if (!content) {
      disks_.ForEach([&](Disk& disk) { ReportBad(poll.metrics, disk); });
      return last_ = content.error();
    }
    last_ = Status();
    std::map<std::string, std::string> folders;  // By name, in this round.
    for (const Mount& mount : SelectFilesystems(ParseMounts(*content))) {
      const std::string name = MountName(mount.folder);
      if (!options_->disks.Passes(name, mount.folder)) continue;
      const auto [first, added] = folders.emplace(name, mount.folder);
      // "/a/b" and "/a_b" have one name: the first of them has it.
      const Status status = added ? CollectOne(poll, name, mount)
                                  : Status(Conflict(mount.folder + " would be called '" + name +
                                                    "' like " + first->second));
      if (last_ && !status) last_ = status;
    }
    disks_.Sweep([&](Disk& disk) { Remove(poll.metrics, disk); });
    return last_;
  }

  std::vector<LimitReport> limits() const override { return {disks_.Report("filesystems")}; }

 private:
  struct Disk {
    std::string folder;
    bool has_inodes = false;
    Metric total, free, used, read_only, inodes;
  };

  Status CollectOne(Poll& poll, const std::string& name, const Mount& mount) {
    const Result<FilesystemSpace> space = options_->probe(options_->root + mount.folder);
    const bool has_inodes = space && space->inodes > 0;
    Disk* disk = disks_.See(
        name, [&](std::string_view) { return Define(poll.metrics, name, mount, has_inodes); });
    if (disk == nullptr) return {};
    if (disk->folder != mount.folder) *disk = Define(poll.metrics, name, mount, disk->has_inodes);
    poll.metrics.ReportFlag(disk->read_only, mount.read_only);
    if (space) {
      ReportSpace(poll.metrics, *disk, *space);
      return {};
    }
    ReportBad(poll.metrics, *disk);
    return space.error();
  }

  static Disk Define(Metrics& metrics, const std::string& name, const Mount& mount,
                     bool has_inodes) {
    static constexpr MetricKind kFlag{
        model::ValueType::kBool, "", 0, 0,
        "Whether the filesystem refuses writes, as after an I/O error"};
    const std::string source = "statvfs " + mount.folder;
    const auto define = [&](std::string_view property, const MetricKind& kind,
                            std::string_view text) {
      return metrics.Define("disk/" + name + "/" + std::string(property), Described(kind, text),
                            source);
    };
    Disk disk;
    disk.folder = mount.folder;
    disk.has_inodes = has_inodes;
    disk.total = define("total_bytes", kBytes, "Size of the filesystem");
    disk.free = define("free_bytes", kBytes, "Space that ordinary users can still use");
    disk.used = define("used_percent", kPercent, "Space in use, as df has it");
    disk.read_only = define("read_only", kFlag, kFlag.description);
    if (has_inodes) disk.inodes = define("inodes_used_percent", kPercent, "Inodes in use");
    return disk;
  }

  static void ReportSpace(Metrics& metrics, const Disk& disk, const FilesystemSpace& space) {
    const std::uint64_t used = space.blocks - std::min(space.blocks_free, space.blocks);
    metrics.ReportCount(disk.total, Times(space.blocks, space.block_bytes));
    metrics.ReportCount(disk.free, Times(space.blocks_available, space.block_bytes));
    metrics.Report(disk.used, Percent(used, used + space.blocks_available));
    if (!disk.has_inodes) return;
    metrics.Report(disk.inodes,
                   Percent(space.inodes - std::min(space.inodes_free, space.inodes), space.inodes));
  }

  static void ReportBad(Metrics& metrics, const Disk& disk) {
    for (const Metric& metric : {disk.total, disk.free, disk.used, disk.inodes})
      metrics.ReportBad(metric);
  }

  static void Remove(Metrics& metrics, const Disk& disk) {
    for (const Metric& metric : {disk.total, disk.free, disk.used, disk.read_only, disk.inodes}) {
      metrics.Remove(metric);
    }
  }

  const HostOptions* options_;
  sysfs::KeptFile mountinfo_;
  SlowPace pace_;
  Status last_;  // Of the last round, which stands until the next one.
  Devices<Disk> disks_;
};

}  // namespace

std::unique_ptr<Collector> MakeDiskCollector(const HostOptions& options) {
  return std::make_unique<DiskCollector>(options);
}

}  // namespace edgetwin::host
