// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "twin/store/image.h"
#include "twin/store/inspect.h"
#include "twin/store/store_files.h"
#include "twin/store/twin_store.h"
#include "twin/store/vfs_file.h"
#include "twin_store_sql.h"

namespace edgetwin::store {
namespace {

constexpr mode_t kOwnerOnly = 0600;
// Long enough for an Inspect to finish its copy.
constexpr std::chrono::milliseconds kBusyWait{250};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// An empty file that was not there before, so that nothing is ever overwritten and nobody else can
// read what comes into it.
Status Claim(const std::string& path, const std::string& vfs) {
  if (!vfs.empty()) {
    if (!VfsFile::HasBytes(path, VfsFile::Part::kDatabase, vfs)) return {};
    return Conflict(path + " is there already");
  }
  const Descriptor made(open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kOwnerOnly));
  if (made.get() >= 0) return {};
  if (errno == EEXIST) return Conflict(path + " is there already");
  return SystemError("make " + path, errno);
}

Status Copy(Database& db, const std::string& path, const std::string& vfs) {
  Result<Statement> copy = db.Prepare(sql::kVacuumInto);
  if (!copy) return copy.error();
  if (Status done = copy->BindText(1, path).Run(); !done) return done;
  // VACUUM leaves that to the writer's synchronous setting, and the name to nobody.
  Result<VfsFile> file = VfsFile::Open(path, VfsFile::Part::kDatabase, vfs, true);
  if (!file) return file.error();
  if (Status synced = file->Sync(); !synced) return synced;
  return vfs.empty() ? SyncFolder(path) : Status();
}

// The store at `path`, with its WAL emptied, and locked until `db` goes. Nothing when there is
// none. One that can't be opened for damage is no error: no `db`, and `damaged`.
struct Held {
  std::optional<Database> db;
  bool damaged = false;
};
Result<Held> Hold(const std::string& path) {
  if (!AnyExists(path)) return Held{};
  if (LockHolder(path)) return HeldBySomebody(path);
  if (!CheckFiles(path, {})) return Held{.db = {}, .damaged = true};
  const auto judge = [&](Error error) -> Result<Held> {
    const bool damaged = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kInvalid;
    if (damaged) return Held{.db = {}, .damaged = true};
    return Explained(path, {}, std::move(error));
  };
  Result<Database> db =
      Database::Open({.path = path, .create = false, .exclusive = true, .busy_wait = kBusyWait});
  if (!db) return judge(db.error());
  // Not even closing may change the WAL of one that turns out to be damaged.
  if (Status set = db->LeaveWalOnClose(true); !set) return set.error();
  // An exclusive connection keeps the lock that it took once; without a WAL beside the file, its
  // replacement can be one rename.
  if (Status locked = db->Exec("BEGIN EXCLUSIVE; COMMIT"); !locked) return judge(locked.error());
  if (Status folded = db->TruncateWal(); !folded) return judge(folded.error());
  Held held;
  held.db.emplace(*std::move(db));
  return held;
}

// The file `name` with `image` in it, on flash, owned by whom `model` belongs to.
Status WriteImage(const std::string& name, std::string_view image, const std::string& model) {
  const Descriptor file(
      open(name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (file.get() < 0) return SystemError("make " + name, errno);
  struct stat owner {};
  struct stat ours {};
  if (stat(model.c_str(), &owner) != 0) return SystemError("look at " + model, errno);
  if (fstat(file.get(), &ours) != 0) return SystemError("look at " + name, errno);
  const bool same = owner.st_uid == ours.st_uid && owner.st_gid == ours.st_gid;
  // Restored by root for a daemon that isn't.
  if (!same && fchown(file.get(), owner.st_uid, owner.st_gid) != 0) {
    return SystemError("give " + name + " to the owner of " + model, errno);
  }
  if (fchmod(file.get(), kOwnerOnly) != 0) return SystemError("protect " + name, errno);
  while (!image.empty()) {
    const ssize_t written = write(file.get(), image.data(), image.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write " + name, errno);
    image.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(file.get()) != 0) return SystemError("sync " + name, errno);
  return {};
}

Status Rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return SystemError("move " + from + " to " + to, errno);
}

// `made` in the place of `path`, which is kept as `aside`.
Status Swap(const std::string& made, const std::string& path, const std::string& aside,
            bool damaged) {
  if (!damaged) {
    // Two names for the old file, and then the new one takes its name over: `path` is there at any
    // time, whole, and never with the WAL of the other.
    if (link(path.c_str(), aside.c_str()) != 0) {
      return SystemError("keep " + path + " as " + aside, errno);
    }
    return Rename(made, path);
  }
  // What is damaged keeps its WAL, which must be gone before the new file comes. A crash in between
  // leaves no store, or one that is refused, as it was before.
  for (const std::string_view suffix : kStoreSuffixes) {
    const std::string from = path + std::string(suffix);
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(from, ignored))) continue;
    if (Status moved = Rename(from, aside + std::string(suffix)); !moved) return moved;
  }
  return Rename(made, path);
}

// What is restored, having been looked at whole.
Result<std::string> CheckedImage(const std::string& backup) {
  if (Status sound = CheckFiles(backup, {}); !sound) return sound.error();
  Result<std::string> image = ReadImage(backup, {});
  if (!image) return image;
  const Result<model::Stored> stored = InspectImage(*image, backup);
  if (!stored) return Explained(backup, {}, stored.error());
  Result<Database> db = Database::FromImage(*image, backup);
  if (!db) return db.error();
  if (Status sound = db->IntegrityCheck(); !sound) return sound.error();
  return image;
}

}  // namespace

Status BackUp(Database& db, const std::string& path, const std::string& vfs) {
  if (Status claimed = Claim(path, vfs); !claimed) return claimed;
  const Status copied = Copy(db, path, vfs);
  if (!copied) {
    // Half a copy looks like one. What it failed for is said; that it can't be removed is not.
    [[maybe_unused]] const Status removed = RemoveDatabaseFile(path, vfs);
  }
  return copied;
}

Result<std::string> TwinStore::RestoreFrom(const std::string& backup, const std::string& path) {
  const Result<std::string> image = CheckedImage(backup);
  if (!image) return image.error();
  Result<Held> held = Hold(path);
  if (!held) return held.error();
  const bool replaces = held->db || held->damaged;
  const Result<std::string> aside = FreeName(path, "before-restore", kKeptMax);
  if (!aside) return aside;
  const std::string made = path + ".restoring";
  const std::string folder = std::filesystem::absolute(path).parent_path();
  const bool has_owner = std::filesystem::exists(path);
  Status done = WriteImage(made, *image, has_owner ? path : folder);
  if (done) done = replaces ? Swap(made, path, *aside, held->damaged) : Rename(made, path);
  if (done) done = SyncFolder(path);
  if (!done) {
    (void)unlink(made.c_str());
    return done.error();
  }
  return replaces ? *aside : std::string();
}

}  // namespace edgetwin::store
