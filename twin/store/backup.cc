// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "twin/store/image.h"
#include "twin/store/inspect.h"
#include "twin/store/store_files.h"
#include "twin/store/tables.h"
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

// The store's files, the database first: a crash in between leaves no store, or a WAL without its
// database, which is refused.
Status MoveFiles(const std::string& path, const std::string& aside) {
  for (const std::string_view suffix : kStoreSuffixes) {
    const std::string from = path + std::string(suffix);
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(from, ignored))) continue;
    if (Status moved = Rename(from, aside + std::string(suffix)); !moved) return moved;
  }
  return {};
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
  if (Status moved = MoveFiles(path, aside); !moved) return moved;
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

Result<std::string> CopyOut(Database& db) {
  // It holds what is in the WAL, too. The connection is exclusive, so nothing changes meanwhile.
  sqlite3_int64 bytes = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> copy(
      sqlite3_serialize(db.raw(), "main", &bytes, 0), sqlite3_free);
  if (copy == nullptr) {
    const int code = sqlite3_errcode(db.raw());
    if (code != SQLITE_OK && code != SQLITE_NOMEM) return SqliteError(db.raw(), code, db.path());
    return Exhausted("there is no memory for a copy of " + db.path());
  }
  std::string image(reinterpret_cast<const char*>(copy.get()), static_cast<std::size_t>(bytes));
  WithoutWal(image);
  return image;
}

Result<std::string> TwinStore::ImageOf(const std::string& path) {
  if (Status sound = CheckFiles(path, {}); !sound) return sound.error();
  if (!VfsFile::HasBytes(path, VfsFile::Part::kDatabase, {})) {
    return NotFound("there is no store " + path);
  }
  Result<std::string> image = ReadImage(path, {});
  if (!image) return Explained(path, {}, image.error());
  if (const auto stored = InspectImage(*image, path); !stored) {
    return Explained(path, {}, stored.error());
  }
  return image;
}

Result<bool> TwinStore::IsOf(const std::string& path, const std::string& device) {
  const Result<std::string> image = ImageOf(path);
  if (!image) return image.error();
  Result<Database> db = Database::FromImage(*image, path);
  if (!db) return db.error();
  const Result<std::uint64_t> mark = ReadDeviceMark(*db);
  if (!mark) return mark.error();
  return *mark == 0 || *mark == DeviceMark(device);
}

Result<std::string> TwinStore::PutAside(const std::string& path) {
  if (!AnyExists(path)) return NotFound("there is no store " + path);
  const Result<Held> held = Hold(path);
  if (!held) return held.error();
  const Result<std::string> aside = FreeName(path, "before-reset", kKeptMax);
  if (!aside) return aside;
  if (Status moved = MoveFiles(path, *aside); !moved) return moved.error();
  if (Status synced = SyncFolder(path); !synced) return synced.error();
  return aside;
}

Status TwinStore::Remove(const std::string& path) {
  if (!AnyExists(path)) return NotFound("there is no store " + path);
  const Result<Held> held = Hold(path);
  if (!held) return held.error();
  // The database last: until then it is whole, as its WAL was emptied.
  for (auto suffix = kStoreSuffixes.rbegin(); suffix != kStoreSuffixes.rend(); ++suffix) {
    const std::string file = path + std::string(*suffix);
    if (unlink(file.c_str()) != 0 && errno != ENOENT) return SystemError("remove " + file, errno);
  }
  return SyncFolder(path);
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
