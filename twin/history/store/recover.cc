// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/recover.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "twin/base/check.h"
#include "twin/store/store_files.h"
#include "twin/store/twin_store.h"

namespace edgetwin::history {
namespace {

namespace fs = std::filesystem;

std::string SalvagedName(const std::string& path) {
  return path + ".salvaged";
}

bool Exists(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

Status RemoveSalvaged(const std::string& path) {
  for (const std::string_view suffix : store::kStoreSuffixes) {
    const std::string name = SalvagedName(path) + std::string(suffix);
    if (std::remove(name.c_str()) == 0 || errno == ENOENT) continue;
    return store::SystemError("remove " + name, errno);
  }
  return {};
}

Status TakePlace(const std::string& path) {
  const std::string from = SalvagedName(path);
  if (std::rename(from.c_str(), path.c_str()) != 0) {
    return store::SystemError("move " + from + " to " + path, errno);
  }
  return store::SyncFolder(path);
}

// What a replacement that was cut off has left: a copy that isn't complete is made again, and one
// that is takes its place.
Status Resume(const std::string& path) {
  if (!Exists(SalvagedName(path))) return {};
  const bool complete = !Exists(path) && !Exists(SalvagedName(path) + "-wal");
  if (!complete) return RemoveSalvaged(path);
  // A WAL that did not make it out of the way would be taken for the new file's.
  if (store::AnyExists(path)) {
    if (const auto moved = store::TwinStore::Quarantine(path); !moved) return moved.error();
  }
  return TakePlace(path);
}

bool RoomForACopy(const std::string& path) {
  std::error_code failed;
  std::uintmax_t bytes = fs::file_size(path, failed);
  if (failed) return true;  // There is nothing to copy.
  const std::uintmax_t wal = fs::file_size(path + "-wal", failed);
  if (!failed) bytes += wal;
  const fs::space_info space = fs::space(fs::path(path).parent_path(), failed);
  return failed || space.available > bytes + bytes / 4;
}

// The new file, complete and closed.
Result<Salvaged> MakeSalvaged(const HistoryStoreOptions& options, std::uint64_t window_samples) {
  if (Status removed = RemoveSalvaged(options.path); !removed) return removed.error();
  HistoryStoreOptions beside = options;
  beside.path = SalvagedName(options.path);
  // Another opening than the one that goes on with it.
  beside.inc = options.inc == ~std::uint64_t{0} ? 1 : ~options.inc;
  auto fresh = HistoryStore::Open(beside);
  if (!fresh) return fresh.error();
  SalvageOptions copy;
  copy.blocks = RoomForACopy(options.path);
  copy.window_samples_max = window_samples;
  copy.now = options.now;
  Result<Salvaged> salvaged = Salvage(options.path, **fresh, copy);
  if (!salvaged) return salvaged;
  if (Status closed = (*fresh)->Close({}); !closed) return closed.error();
  fresh->reset();
  // Where there was no room to copy it back, the file alone is not all of it.
  if (Exists(beside.path + "-wal")) {
    return Exhausted(beside.path + ": there is no room to complete it");
  }
  return salvaged;
}

using Step = std::function<void(int)>;

Result<Recovered> ReplaceIn(const HistoryStoreOptions& options, std::uint64_t window_samples,
                            const Step& before) {
  EDGETWIN_CHECK(options.vfs.empty());
  before(0);
  Recovered recovered;
  Result<Salvaged> salvaged = MakeSalvaged(options, window_samples);
  if (!salvaged) {
    (void)RemoveSalvaged(options.path);  // So that it takes no room meanwhile.
    return salvaged.error();
  }
  recovered.salvaged = *salvaged;
  before(1);
  Result<std::string> moved = store::TwinStore::Quarantine(options.path);
  if (!moved && moved.error().code != ErrorCode::kNotFound) return moved.error();
  recovered.quarantined = moved.value_or("");
  before(2);
  if (Status placed = TakePlace(options.path); !placed) return placed.error();
  before(3);
  auto opened = HistoryStore::Open(options);
  if (!opened) return opened.error();
  recovered.store = std::move(*opened);
  return recovered;
}

}  // namespace

Result<Recovered> Replace(const HistoryStoreOptions& options) {
  return ReplaceIn(options, 0, [](int) {});
}

Result<Recovered> OpenOrReplace(const HistoryStoreOptions& options, const Step& before) {
  if (Status resumed = Resume(options.path); !resumed) return resumed.error();
  auto store = HistoryStore::Open(options);
  if (store) return Recovered{.store = std::move(*store), .quarantined = {}, .salvaged = {}};
  if (store.error().code != ErrorCode::kCorrupt) return store.error();
  return ReplaceIn(options, options.window_samples_max, before);
}

}  // namespace edgetwin::history
