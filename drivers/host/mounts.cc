// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/mounts.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "drivers/sdk/sysfs/text.h"
#include "twin/model/path.h"

namespace edgetwin::host {
namespace {

// A mount table longer than this is a runaway; the first ones are the machine's own.
constexpr std::size_t kMountsMax = 4096;

bool HasOption(std::string_view options, std::string_view option) {
  while (!options.empty()) {
    const std::size_t end = std::min(options.find(','), options.size());
    if (options.substr(0, end) == option) return true;
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return false;
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
bool ParseMount(std::string_view line, Mount& mount) {
  sysfs::TakeWord(line);
  sysfs::TakeWord(line);
  mount.device = sysfs::TakeWord(line);
  mount.whole = sysfs::TakeWord(line) == "/";
  mount.folder = sysfs::Unescaped(sysfs::TakeWord(line));
  sysfs::TakeWord(line);
  // Any number of optional fields ends with a dash.
  for (;;) {
    const std::string_view word = sysfs::TakeWord(line);
    if (word.empty()) return false;
    if (word == "-") break;
  }
  mount.type = sysfs::TakeWord(line);
  sysfs::TakeWord(line);
  mount.read_only = HasOption(sysfs::TakeWord(line), "ro");
  return mount.device.find(':') != mount.device.npos && mount.folder.starts_with("/") &&
         !mount.type.empty();
}

bool Better(const Mount& a, const Mount& b) {
  if (a.whole != b.whole) return a.whole;
  if (a.folder.size() != b.folder.size()) return a.folder.size() < b.folder.size();
  return a.folder < b.folder;
}

}  // namespace

std::vector<Mount> ParseMounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  while (!mountinfo.empty() && mounts.size() < kMountsMax) {
    Mount mount;
    if (ParseMount(sysfs::TakeLine(mountinfo), mount)) mounts.push_back(std::move(mount));
  }
  return mounts;
}

bool IsLocalStorage(std::string_view type) {
  static constexpr std::array<std::string_view, 19> kTypes = {
      "ext2", "ext3",     "ext4",  "xfs",     "btrfs",  "bcachefs", "f2fs",
      "vfat", "exfat",    "ntfs3", "jffs2",   "ubifs",  "zfs",      "nilfs2",
      "jfs",  "reiserfs", "msdos", "overlay", "hfsplus"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

std::vector<Mount> SelectFilesystems(std::vector<Mount> mounts) {
  // A later mount on the same folder hides the earlier one, and is what statvfs would see.
  std::map<std::string, Mount> by_folder;
  for (Mount& mount : mounts) {
    std::string folder = mount.folder;
    by_folder[std::move(folder)] = std::move(mount);
  }
  std::map<std::string, Mount> by_device;
  for (auto& [folder, mount] : by_folder) {
    if (!IsLocalStorage(mount.type)) continue;
    const auto [at, added] = by_device.emplace(mount.device, mount);
    if (!added && Better(mount, at->second)) at->second = mount;
  }
  std::vector<Mount> result;
  for (auto& [device, mount] : by_device) result.push_back(std::move(mount));
  std::sort(result.begin(), result.end(),
            [](const Mount& a, const Mount& b) { return a.folder < b.folder; });
  return result;
}

std::string MountName(std::string_view folder) {
  if (folder.starts_with("/")) folder.remove_prefix(1);
  return folder.empty() ? "root" : model::ToSegment(folder);
}

}  // namespace edgetwin::host
