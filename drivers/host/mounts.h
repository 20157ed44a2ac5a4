// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which filesystems are mounted, and which of them are worth watching.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace edgetwin::host {

struct Mount {
  std::string device;  // "259:2": equal for all mounts of one filesystem.
  std::string folder;
  std::string type;
  bool whole = false;  // The filesystem's own root, not a folder of it bound elsewhere.
  bool read_only =
      false;  // The filesystem itself, as after an I/O error; not just this view of it.
};

// Reads /proc/self/mountinfo as proc(5) has it; lines that aren't understood are left out.
std::vector<Mount> ParseMounts(std::string_view mountinfo);

// Filesystems on local storage. statvfs(2) of a network filesystem (nfs, cifs, ceph, …), of FUSE (a
// program answers) and of an automount point may block for ever, which the agent's loop must not;
// memory filesystems, and images that are always full (squashfs), have no space to watch.
bool IsLocalStorage(std::string_view type);

// One mount a filesystem on local storage: its own root where that is mounted, and the shortest
// folder.
std::vector<Mount> SelectFilesystems(std::vector<Mount> mounts);

// How a folder is called in paths: "/" is "root", "/boot/firmware" is "boot_firmware".
std::string MountName(std::string_view folder);

}  // namespace edgetwin::host
