// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/flash_meter.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "twin/base/check.h"

namespace edgetwin::store {
namespace {

using Counters = std::array<std::atomic<std::uint64_t>, kWriteCauses>;

// A layer's state, as SQLite hands it back in pAppData.
struct Context {
  sqlite3_vfs* base = nullptr;
  std::atomic<WriteCause> cause{WriteCause::kOther};
  Counters bytes{};
};

// What SQLite keeps of an open file; the lower layer's part follows it in memory.
struct File {
  sqlite3_file file;
  Context* context;
  bool database;  // Rather than a WAL, a journal, ….
};
constexpr std::size_t kOwnBytes = (sizeof(File) + alignof(std::max_align_t) - 1) /
                                  alignof(std::max_align_t) * alignof(std::max_align_t);

File& Own(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
sqlite3_file* Below(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + kOwnBytes);
}
// Calls the same method of the layer below.
template <auto Method, class... Arguments>
auto Pass(sqlite3_file* file, Arguments... arguments) {
  sqlite3_file* below = Below(file);
  return (below->pMethods->*Method)(below, arguments...);
}

int Write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  const File& own = Own(file);
  WriteCause cause = own.context->cause.load(std::memory_order_relaxed);
  if (own.database && cause != WriteCause::kBackup) cause = WriteCause::kCheckpoint;
  // Also what then fails: some of it may be on flash.
  own.context->bytes[static_cast<std::size_t>(cause)].fetch_add(static_cast<std::uint64_t>(bytes),
                                                                std::memory_order_relaxed);
  return Pass<&sqlite3_io_methods::xWrite>(file, data, bytes, offset);
}

using Methods = sqlite3_io_methods;

// SQLite asks for no method above the version.
constexpr Methods MethodsOf(int version) {
  return {.iVersion = version,
          .xClose = Pass<&Methods::xClose>,
          .xRead = Pass<&Methods::xRead>,
          .xWrite = Write,
          .xTruncate = Pass<&Methods::xTruncate>,
          .xSync = Pass<&Methods::xSync>,
          .xFileSize = Pass<&Methods::xFileSize>,
          .xLock = Pass<&Methods::xLock>,
          .xUnlock = Pass<&Methods::xUnlock>,
          .xCheckReservedLock = Pass<&Methods::xCheckReservedLock>,
          .xFileControl = Pass<&Methods::xFileControl>,
          .xSectorSize = Pass<&Methods::xSectorSize>,
          .xDeviceCharacteristics = Pass<&Methods::xDeviceCharacteristics>,
          .xShmMap = Pass<&Methods::xShmMap>,
          .xShmLock = Pass<&Methods::xShmLock>,
          .xShmBarrier = Pass<&Methods::xShmBarrier>,
          .xShmUnmap = Pass<&Methods::xShmUnmap>,
          .xFetch = Pass<&Methods::xFetch>,
          .xUnfetch = Pass<&Methods::xUnfetch>};
}
constexpr std::array kMethods = {MethodsOf(1), MethodsOf(2), MethodsOf(3)};

Context& Of(sqlite3_vfs* vfs) {
  return *static_cast<Context*>(vfs->pAppData);
}
template <auto Function, class... Arguments>
auto PassVfs(sqlite3_vfs* vfs, Arguments... arguments) {
  sqlite3_vfs* base = Of(vfs).base;
  return (base->*Function)(base, arguments...);
}

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  Context& context = Of(vfs);
  File& own = Own(file);
  own.file.pMethods = nullptr;
  own.context = &context;
  own.database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  sqlite3_file* below = Below(file);
  below->pMethods = nullptr;
  const int code = context.base->xOpen(context.base, name, below, flags, out_flags);
  if (below->pMethods == nullptr) return code;  // Nothing to close.
  const int version = std::clamp(below->pMethods->iVersion, 1, 3);
  own.file.pMethods = &kMethods[static_cast<std::size_t>(version) - 1];
  return code;
}

}  // namespace

std::string_view ToString(WriteCause cause) {
  switch (cause) {
    case WriteCause::kCommit: return "commit";
    case WriteCause::kCheckpoint: return "checkpoint";
    case WriteCause::kBlocks: return "blocks";
    case WriteCause::kLedger: return "ledger";
    case WriteCause::kBackup: return "backup";
    case WriteCause::kOther: return "other";
  }
  return "unknown";
}

std::uint64_t Sum(const WrittenBytes& bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
}

struct FlashMeter::Layer {
  sqlite3_vfs vfs{};
  std::string name;
  Context context;
};

FlashMeter::FlashMeter(const std::string& base) : layer_(std::make_unique<Layer>()) {
  sqlite3_vfs* below = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
  EDGETWIN_CHECK(below != nullptr);
  char name[48];
  // No other layer lies there as long as this one is registered.
  std::snprintf(name, sizeof name, "edgetwin-meter-%p", static_cast<void*>(layer_.get()));
  layer_->name = name;
  layer_->context.base = below;
  sqlite3_vfs& vfs = layer_->vfs;
  vfs.iVersion = std::min(below->iVersion, 2);  // Version 3 is system calls, for SQLite's tests.
  vfs.szOsFile = static_cast<int>(kOwnBytes) + below->szOsFile;
  vfs.mxPathname = below->mxPathname;
  vfs.zName = layer_->name.c_str();
  vfs.pAppData = &layer_->context;
  vfs.xOpen = Open;
  vfs.xDelete = PassVfs<&sqlite3_vfs::xDelete>;
  vfs.xAccess = PassVfs<&sqlite3_vfs::xAccess>;
  vfs.xFullPathname = PassVfs<&sqlite3_vfs::xFullPathname>;
  vfs.xDlOpen = PassVfs<&sqlite3_vfs::xDlOpen>;
  vfs.xDlError = PassVfs<&sqlite3_vfs::xDlError>;
  vfs.xDlSym = PassVfs<&sqlite3_vfs::xDlSym>;
  vfs.xDlClose = PassVfs<&sqlite3_vfs::xDlClose>;
  vfs.xRandomness = PassVfs<&sqlite3_vfs::xRandomness>;
  vfs.xSleep = PassVfs<&sqlite3_vfs::xSleep>;
  vfs.xCurrentTime = PassVfs<&sqlite3_vfs::xCurrentTime>;
  vfs.xGetLastError = PassVfs<&sqlite3_vfs::xGetLastError>;
  vfs.xCurrentTimeInt64 = PassVfs<&sqlite3_vfs::xCurrentTimeInt64>;
  EDGETWIN_CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

FlashMeter::~FlashMeter() {
  (void)sqlite3_vfs_unregister(&layer_->vfs);
}

const std::string& FlashMeter::vfs() const {
  return layer_->name;
}

WrittenBytes FlashMeter::bytes() const {
  WrittenBytes bytes{};
  for (std::size_t i = 0; i < kWriteCauses; ++i) {
    bytes[i] = layer_->context.bytes[i].load(std::memory_order_relaxed);
  }
  return bytes;
}

FlashMeter::Scope::Scope(FlashMeter* meter, WriteCause cause) : meter_(meter) {
  if (meter_ != nullptr) before_ = meter_->layer_->context.cause.exchange(cause);
}
FlashMeter::Scope::~Scope() {
  if (meter_ != nullptr) meter_->layer_->context.cause = before_;
}

}  // namespace edgetwin::store
