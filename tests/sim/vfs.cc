// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::sim {
namespace {

constexpr int kPathBytesMax = 512;
// As SQLite's unix layer says of most file systems.
constexpr int kSectorSize = 4096;
constexpr int kCharacteristics = SQLITE_IOCAP_POWERSAFE_OVERWRITE;

struct Context {
  Disk* disk = nullptr;
  std::function<WallTime()> wall;
  Random random{0};
};

struct File {
  sqlite3_file base;
  Disk* disk;
  Disk::Handle handle;
  bool gone_with_handle;  // The name is deleted on closing.
  std::string* name;
};

File& Of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
Context& Of(sqlite3_vfs* vfs) {
  return *static_cast<Context*>(vfs->pAppData);
}

int Code(Disk::Result result, int io_error) {
  switch (result) {
    case Disk::Result::kOk: return SQLITE_OK;
    case Disk::Result::kShort: return SQLITE_IOERR_SHORT_READ;
    case Disk::Result::kFull: errno = ENOSPC; return SQLITE_FULL;
    case Disk::Result::kBusy: return SQLITE_BUSY;
    case Disk::Result::kNotFound: errno = ENOENT; return io_error;
    case Disk::Result::kIoError: errno = EIO; return io_error;
  }
  return SQLITE_IOERR;
}

int Close(sqlite3_file* raw) {
  File& file = Of(raw);
  file.disk->Close(file.handle);
  if (file.gone_with_handle) (void)file.disk->Delete(*file.name, false);
  delete std::exchange(file.name, nullptr);
  return SQLITE_OK;
}

int Read(sqlite3_file* raw, void* out, int bytes, sqlite3_int64 offset) {
  File& file = Of(raw);
  const auto result = file.disk->Read(file.handle, static_cast<std::uint64_t>(offset),
                                      static_cast<char*>(out), static_cast<std::size_t>(bytes));
  return Code(result, SQLITE_IOERR_READ);
}

int Write(sqlite3_file* raw, const void* data, int bytes, sqlite3_int64 offset) {
  File& file = Of(raw);
  const std::string_view view(static_cast<const char*>(data), static_cast<std::size_t>(bytes));
  return Code(file.disk->Write(file.handle, static_cast<std::uint64_t>(offset), view),
              SQLITE_IOERR_WRITE);
}

int Truncate(sqlite3_file* raw, sqlite3_int64 size) {
  File& file = Of(raw);
  return Code(file.disk->Truncate(file.handle, static_cast<std::uint64_t>(size)),
              SQLITE_IOERR_TRUNCATE);
}

int Sync(sqlite3_file* raw, int) {
  File& file = Of(raw);
  return Code(file.disk->Sync(file.handle), SQLITE_IOERR_FSYNC);
}

int FileSize(sqlite3_file* raw, sqlite3_int64* size) {
  File& file = Of(raw);
  std::uint64_t bytes = 0;
  const auto result = file.disk->Size(file.handle, bytes);
  *size = static_cast<sqlite3_int64>(bytes);
  return Code(result, SQLITE_IOERR_FSTAT);
}

int Lock(sqlite3_file* raw, int level) {
  File& file = Of(raw);
  return Code(file.disk->Lock(file.handle, level), SQLITE_IOERR_LOCK);
}

int Unlock(sqlite3_file* raw, int level) {
  File& file = Of(raw);
  file.disk->Unlock(file.handle, level);
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* raw, int* reserved) {
  File& file = Of(raw);
  *reserved = file.disk->Reserved(file.handle) ? 1 : 0;
  return SQLITE_OK;
}

int FileControl(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int SectorSize(sqlite3_file*) {
  return kSectorSize;
}
int DeviceCharacteristics(sqlite3_file*) {
  return kCharacteristics;
}

constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = Close,
    .xRead = Read,
    .xWrite = Write,
    .xTruncate = Truncate,
    .xSync = Sync,
    .xFileSize = FileSize,
    .xLock = Lock,
    .xUnlock = Unlock,
    .xCheckReservedLock = CheckReservedLock,
    .xFileControl = FileControl,
    .xSectorSize = SectorSize,
    .xDeviceCharacteristics = DeviceCharacteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int Open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* raw, int flags, int* out_flags) {
  File& file = Of(raw);
  file.base.pMethods = nullptr;
  constexpr int kNamesSynced =
      SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  const auto result = Of(vfs).disk->Open(name == nullptr ? "" : name,
                                         (flags & SQLITE_OPEN_CREATE) != 0 || name == nullptr,
                                         (flags & kNamesSynced) != 0, file.handle);
  if (result != Disk::Result::kOk) return Code(result, SQLITE_CANTOPEN);
  file.disk = Of(vfs).disk;
  file.gone_with_handle = name != nullptr && (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  file.name = new std::string(name == nullptr ? "" : name);
  file.base.pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* name, int sync_names) {
  const auto result = Of(vfs).disk->Delete(name, sync_names != 0);
  if (result == Disk::Result::kNotFound) {
    errno = ENOENT;
    return SQLITE_IOERR_DELETE_NOENT;
  }
  return Code(result, SQLITE_IOERR_DELETE);
}

int Access(sqlite3_vfs* vfs, const char* name, int flags, int* there) {
  const auto size = Of(vfs).disk->SizeOf(name);
  // For SQLite's unix layer, too, an empty file does not exist.
  *there = size && (flags != SQLITE_ACCESS_EXISTS || *size > 0) ? 1 : 0;
  return SQLITE_OK;
}

int FullPathname(sqlite3_vfs*, const char* name, int bytes, char* out) {
  const std::size_t length = std::strlen(name);
  if (length >= static_cast<std::size_t>(bytes)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, length + 1);
  return SQLITE_OK;
}

int Randomness(sqlite3_vfs* vfs, int bytes, char* out) {
  for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(Of(vfs).random.Bits());
  return bytes;
}

// Nobody else runs meanwhile, so waiting would change nothing.
int Sleep(sqlite3_vfs*, int micros) {
  return micros;
}

int CurrentTimeInt64(sqlite3_vfs* vfs, sqlite3_int64* time) {
  constexpr sqlite3_int64 kUnixEpochMs = 210'866'760'000'000;  // In Julian days' milliseconds.
  const Context& context = Of(vfs);
  *time = kUnixEpochMs + (context.wall ? context.wall().time_since_epoch().count() : 0);
  return SQLITE_OK;
}

int CurrentTime(sqlite3_vfs* vfs, double* days) {
  sqlite3_int64 time = 0;
  (void)CurrentTimeInt64(vfs, &time);
  *days = static_cast<double>(time) / 86'400'000.0;
  return SQLITE_OK;
}

int GetLastError(sqlite3_vfs*, int, char*) {
  return 0;
}

sqlite3_vfs MakeVfs(const char* name, Context* context) {
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(File);
  vfs.mxPathname = kPathBytesMax;
  vfs.zName = name;
  vfs.pAppData = context;
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  vfs.xAccess = Access;
  vfs.xFullPathname = FullPathname;
  vfs.xRandomness = Randomness;
  vfs.xSleep = Sleep;
  vfs.xCurrentTime = CurrentTime;
  vfs.xGetLastError = GetLastError;
  vfs.xCurrentTimeInt64 = CurrentTimeInt64;
  return vfs;
}

// Where SQLite's generator gets its seed from: the default file layer.
struct SeedVfs {
  Disk nothing;
  Context context;
  sqlite3_vfs vfs{};
};

std::uint64_t NextNumber() {
  static std::uint64_t last = 0;
  return ++last;
}

}  // namespace

void ConfigureSqlite() {
  EDGETWIN_CHECK(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
  EDGETWIN_CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
}

void SeedSqlite(std::uint64_t seed) {
  static SeedVfs* const base = [] {
    auto* made = new SeedVfs;
    made->context.disk = &made->nothing;
    made->vfs = MakeVfs("sim", &made->context);
    EDGETWIN_CHECK(sqlite3_vfs_register(&made->vfs, 1) == SQLITE_OK);
    return made;
  }();
  base->context.random = Random(seed);
  sqlite3_randomness(0, nullptr);
}

struct Vfs::Impl {
  std::string name;
  Context context;
  sqlite3_vfs vfs{};
};

Vfs::Vfs(Disk& disk, std::function<WallTime()> wall, std::uint64_t seed)
    : impl_(std::make_unique<Impl>()) {
  impl_->name = "sim-" + std::to_string(NextNumber());
  impl_->context = {&disk, std::move(wall), Random(seed)};
  impl_->vfs = MakeVfs(impl_->name.c_str(), &impl_->context);
  EDGETWIN_CHECK(sqlite3_vfs_register(&impl_->vfs, 0) == SQLITE_OK);
}

Vfs::~Vfs() {
  (void)sqlite3_vfs_unregister(&impl_->vfs);
}

const std::string& Vfs::name() const {
  return impl_->name;
}

}  // namespace edgetwin::sim
