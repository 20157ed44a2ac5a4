// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/storage.h"

#include <linux/magic.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "agent/api/text.h"
#include "twin/history/store/history_store.h"
#include "twin/store/twin_store.h"

namespace edgetwin::doctor {
namespace {

namespace fs = std::filesystem;

// A commit needs little; below this the next log or core file stops it.
constexpr std::uint64_t kRoomMin = 16 << 20;
constexpr std::uint64_t kFilesMin = 100;
constexpr const char* kPackagedFolder = "/var/lib/edgetwin";
constexpr const char* kServiceUser = "edgetwin";

struct FileSystem {
  std::int64_t magic;  // Of statfs(2).
  const char* name;
  const char* trouble;
};
constexpr std::uint32_t kCifs = 0xff534d42;
constexpr std::uint32_t kFuse = 0x65735546;
constexpr std::uint32_t kExfat = 0x2011bab0;
constexpr std::array kUnfit = {
    FileSystem{TMPFS_MAGIC, "tmpfs", "is in memory: everything in it is gone after a power cut"},
    FileSystem{RAMFS_MAGIC, "ramfs", "is in memory: everything in it is gone after a power cut"},
    FileSystem{NFS_SUPER_MAGIC, "NFS", "is on another machine: locks and syncs can't be trusted"},
    FileSystem{kCifs, "CIFS", "is on another machine: locks and syncs can't be trusted"},
    FileSystem{kFuse, "FUSE", "is kept by a program: nobody knows what it makes of a sync"},
    FileSystem{MSDOS_SUPER_MAGIC, "FAT", "has no journal: a power cut may damage all of it"},
    FileSystem{kExfat, "exFAT", "has no journal: a power cut may damage all of it"},
};

// Whom a packaged agent's folder must belong to.
std::optional<Finding> WrongOwner(const std::string& check, const std::string& folder,
                                  const struct stat& found) {
  if (folder != kPackagedFolder) return {};
  const passwd* user = getpwnam(kServiceUser);
  if (user == nullptr || user->pw_uid == found.st_uid) return {};
  return Finding{check, Verdict::kFailed,
                 folder + " belongs to user " + std::to_string(found.st_uid) +
                     ", and the service runs as " + kServiceUser,
                 "chown -R edgetwin:edgetwin " + folder};
}

void ExamineKind(const std::string& check, const std::string& folder, Findings& findings) {
  struct statfs system {};
  if (statfs(folder.c_str(), &system) != 0) return;
  // f_type is signed and of the machine's width; magics are of 32 bits.
  const auto magic = static_cast<std::uint32_t>(system.f_type);
  for (const FileSystem& unfit : kUnfit) {
    if (magic != static_cast<std::uint32_t>(unfit.magic)) continue;
    findings.push_back({check, Verdict::kWarning,
                        folder + " is on " + unfit.name + ", which " + unfit.trouble,
                        "Put the store on a medium of this machine, with ext4 or the like: "
                        "[store] directory."});
  }
}

void ExamineRoom(const std::string& check, const std::string& folder, std::uint64_t grows_by,
                 Findings& findings) {
  struct statvfs room {};
  if (statvfs(folder.c_str(), &room) != 0) return;
  if ((room.f_flag & ST_RDONLY) != 0) {
    findings.push_back({check, Verdict::kFailed, folder + " is on a file system that is read-only",
                        "If it should not be: 'dmesg' says what its medium had, fsck may mend it, "
                        "'mount -o remount,rw' makes it writable again."});
    return;
  }
  const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
  const std::string left = api::Bytes(free) + " are free at " + folder;
  if (free < kRoomMin) {
    findings.push_back(
        {check, Verdict::kFailed, "Only " + left,
         "Make room there: 'du -xh --max-depth=2 / | sort -h' shows what takes it."});
  } else if (free < grows_by) {
    findings.push_back(
        {check, Verdict::kWarning,
         "The history may take another " + api::Bytes(grows_by) + ", and only " + left,
         "Make room, or lower [history] bytes_max."});
  } else {
    findings.push_back({check, Verdict::kOk, left, ""});
  }
  if (room.f_files > 0 && room.f_favail < kFilesMin) {
    findings.push_back({check, Verdict::kFailed,
                        "Only " + api::Grouped(room.f_favail) + " more files fit at " + folder,
                        "Remove files there: its file system has run out of inodes."});
  }
}

// What of `name` was put aside as damaged: how many, and how large.
void ExamineAside(const std::string& check, const std::string& folder, const std::string& name,
                  Findings& findings) {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().string().starts_with(name + ".corrupt-")) continue;
    std::error_code unknown;
    const std::uint64_t size = it->file_size(unknown);
    ++files;
    if (!unknown) bytes += size;
  }
  if (files == 0) return;
  findings.push_back({check, Verdict::kWarning,
                      api::Count(files, "file", "files") + " of damaged stores (" +
                          api::Bytes(bytes) + ") are kept as " + folder + "/" + name + ".corrupt-…",
                      "Copy them away if somebody shall look at them, then remove them: no more "
                      "than nine are kept, after which a damaged store stops the agent."});
}

std::string AdviceOnStore(const Error& error) {
  switch (error.code) {
    case ErrorCode::kCorrupt:
      return "The agent puts it aside at its next start, and begins a new one. Copy it away "
             "before, "
             "if somebody shall look at it.";
    case ErrorCode::kUnsupported: return "Install the newer release again.";
    case ErrorCode::kConflict:
      return "A program has it open: the agent, perhaps with another socket.";
    case ErrorCode::kInvalid: return "[store] directory names a folder of another program.";
    default: return "See 'dmesg' for what its medium has.";
  }
}

template <class T>
void ExamineStore(const std::string& check, const std::string& file, const Result<T>& opened,
                  Findings& findings) {
  if (opened) {
    findings.push_back({check, Verdict::kOk, file + " can be read", ""});
  } else if (opened.error().code == ErrorCode::kNotFound) {
    findings.push_back({check, Verdict::kNotice, "There is no " + file + " yet",
                        "None needed: the agent makes it at its first start."});
  } else if (opened.error().code == ErrorCode::kPermission) {
    findings.push_back({check, Verdict::kSkipped, opened.error().text, "Ask again with sudo."});
  } else {
    findings.push_back(
        {check, Verdict::kFailed, opened.error().text, AdviceOnStore(opened.error())});
  }
}

}  // namespace

Findings ExamineFolder(const std::string& check, const std::string& folder,
                       std::uint64_t grows_by) {
  struct stat found {};
  if (stat(folder.c_str(), &found) != 0) {
    const int number = errno;
    if (number == EACCES) {
      return {{check, Verdict::kSkipped, folder + " may not be looked at", "Ask again with sudo."}};
    }
    return {{check, Verdict::kFailed, folder + ": " + std::strerror(number),
             "Make it, for the agent's user: 'install -d -o edgetwin -g edgetwin -m 0750 " +
                 folder + "'. Is its medium mounted?"}};
  }
  if (!S_ISDIR(found.st_mode)) {
    return {{check, Verdict::kFailed, folder + " is no folder", "Correct [store] directory."}};
  }
  Findings findings;
  if (auto wrong = WrongOwner(check, folder, found)) findings.push_back(*std::move(wrong));
  ExamineKind(check, folder, findings);
  ExamineRoom(check, folder, grows_by, findings);
  return findings;
}

Findings ExamineStorage(const StorePlaces& places, bool open) {
  const std::string history = places.history + "/history.db";
  std::error_code unknown;
  std::uint64_t grows_by = 0;
  if (places.history_bytes_max > 0) {
    const auto size = fs::file_size(history, unknown);
    const std::uint64_t now = unknown ? 0 : size;
    grows_by = places.history_bytes_max - std::min(now, places.history_bytes_max);
  }
  const bool together = places.store == places.history || places.history_bytes_max == 0;
  Findings findings = ExamineFolder("store", places.store, together ? grows_by : 0);
  if (!together) {
    for (Finding& finding : ExamineFolder("history", places.history, grows_by)) {
      findings.push_back(std::move(finding));
    }
  }
  ExamineAside("store", places.store, "twin.db", findings);
  ExamineAside("history", places.history, "history.db", findings);
  if (open || access(places.store.c_str(), X_OK) != 0) return findings;
  const std::string twin = places.store + "/twin.db";
  const auto inspected = store::TwinStore::Inspect(twin);
  ExamineStore("store", twin, inspected, findings);
  if (inspected && !places.device.empty()) {
    const auto ours = store::TwinStore::IsOf(twin, places.device);
    if (ours && !*ours) {
      findings.push_back({"store", Verdict::kFailed,
                          twin + " is of another device than '" + places.device + "'",
                          "Is [device] id right? If it is: 'edgetwin factory-reset' begins anew."});
    }
  }
  if (places.history_bytes_max > 0) {
    ExamineStore("history", history, history::HistoryStore::Inspect(history), findings);
  }
  return findings;
}

}  // namespace edgetwin::doctor
