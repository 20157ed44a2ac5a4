// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A simulated machine's disk: files whose writes are lost, torn or kept when the power goes before
// a sync, that fills up, and that fails. Knows nothing of SQLite; see vfs.h.
//
// What is modelled. A sync makes everything written to its file durable, always. Each write and
// truncation since the last sync is kept, lost, or torn at sectors when the power goes, each for
// itself, so that later ones may survive earlier ones. Names (creation, deletion) become durable in
// order, as in a journaling file system, with the next sync of the folder; the first sync of a file
// made with `sync_names` is one, as is a deletion that asks for it. A killed process loses nothing
// that was written. A sync that lies is not modelled.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/random.h"

namespace edgetwin::sim {

inline constexpr std::size_t kSectorBytes = 512;

// A file's bytes, in blocks that copies share until one of them is written to.
class Content {
 public:
  std::uint64_t size() const { return size_; }
  // Fills `out`; with zeros beyond the end. Returns how many bytes were there.
  std::size_t Read(std::uint64_t offset, char* out, std::size_t bytes) const;
  void Write(std::uint64_t offset, std::string_view data);
  void Resize(std::uint64_t size);

 private:
  static constexpr std::size_t kBlockBytes = 4096;
  using Block = std::array<char, kBlockBytes>;

  std::uint64_t size_ = 0;
  std::vector<std::shared_ptr<Block>> blocks_;  // Null: zeros.
};

using FileId = std::uint64_t;

// All of a disk, as a value: copying it is cheap.
struct DiskState {
  struct Change {  // Of a file's content.
    bool resize = false;
    std::uint64_t offset = 0;                 // Of a write; of a resize: the size.
    std::shared_ptr<const std::string> data;  // Of a write.
  };
  struct File {
    Content durable;
    Content current;
    std::vector<Change> unsynced;
    bool sync_names = false;  // The next sync makes names durable, too.
  };
  struct Naming {
    std::string name;
    std::optional<FileId> file;  // Nothing: the name was removed.
  };
  std::map<FileId, File> files;
  std::map<std::string, FileId, std::less<>> names;
  std::map<std::string, FileId, std::less<>> names_durable;
  std::vector<Naming> names_unsynced;
  FileId last_file = 0;

  std::uint64_t bytes() const;           // Of all files, as they are now.
  std::uint64_t unsynced_bytes() const;  // That a power loss may take.
};

enum class PowerLoss {
  kKeepAll,   // The disk's cache was written out just in time.
  kLoseAll,   // Nothing since the last syncs survives.
  kTear,      // Chance decides, of each write and of its sectors.
  kSubset,    // Chance decides, of each write as a whole.
  kTornLast,  // Of each file, all but the last write survives, and of that some sectors.
  kReorder,   // Of each file, later writes survive, and earlier ones don't.
};

struct PowerLossCounts {  // Of writes and truncations.
  std::uint64_t kept = 0, lost = 0, torn = 0;
};

// What becomes of the unsynced when the power goes.
PowerLossCounts LosePower(DiskState& state, PowerLoss how, Random& random);

enum class DiskCall : std::uint8_t { kRead, kWrite, kTruncate, kSync, kDelete, kCreate };
inline constexpr std::size_t kDiskCalls = 6;
std::string_view ToString(DiskCall call);

enum class DiskAnswer : std::uint8_t {
  kOk,
  kIoError,
  kIoErrorAfterHalf,  // Of a write.
  kFull,
  kCrash,  // The machine stops before the call has any effect: see Disk::crashed.
};

class Disk {
 public:
  enum class Result { kOk, kShort, kIoError, kFull, kNotFound, kBusy };
  using Handle = std::uint64_t;
  // Lock levels as SQLite has them: 0 none, 1 shared, 2 reserved, 3 pending, 4 exclusive.
  static constexpr int kExclusive = 4;

  // Called before each call takes effect. `number` counts the calls that change something or sync,
  // from 1 on over the disk's whole life; 0 for a read.
  using Hook =
      std::function<DiskAnswer(DiskCall call, std::string_view name, std::uint64_t number)>;

  struct Counts {
    std::array<std::uint64_t, kDiskCalls> calls{};
    std::uint64_t bytes_read = 0, bytes_written = 0;
    std::uint64_t io_errors = 0, full = 0;
    std::uint64_t kills = 0, power_losses = 0;
    PowerLossCounts unsynced;
  };

  void SetHook(Hook hook) { hook_ = std::move(hook); }
  // All files together are not larger than this; 0: no limit.
  void SetQuota(std::uint64_t bytes) { quota_bytes_ = bytes; }

  // --- Files. On a handle of before the last Kill or PowerLoss everything is an I/O error. ---

  // An empty name: a file of its own that goes with its handle, and that no fault touches.
  Result Open(std::string_view name, bool create, bool sync_names, Handle& handle);
  void Close(Handle handle);
  Result Read(Handle handle, std::uint64_t offset, char* out, std::size_t bytes);
  Result Write(Handle handle, std::uint64_t offset, std::string_view data);
  Result Truncate(Handle handle, std::uint64_t size);
  Result Sync(Handle handle);
  Result Size(Handle handle, std::uint64_t& size);
  Result Delete(std::string_view name, bool sync_names);
  std::optional<std::uint64_t> SizeOf(std::string_view name) const;
  Result Lock(Handle handle, int level);
  void Unlock(Handle handle, int level);
  bool Reserved(Handle handle) const;

  // --- The machine ---

  // The hook has answered kCrash: until Kill or PowerLoss everything fails.
  bool crashed() const { return crashed_; }
  // All handles are dead; what was written stays.
  void Kill();
  void LosePower(PowerLoss how, Random& random);

  // The whole disk: a backup, an image, a crash point.
  const DiskState& state() const { return state_; }
  // Another medium is put in; all handles are dead.
  void Replace(DiskState state);

  const Counts& counts() const { return counts_; }
  std::uint64_t number() const { return number_; }  // Of the last call that changed or synced.

 private:
  struct Opened {
    FileId file = 0;
    std::string name;
    int lock = 0;
  };

  DiskState::File* FileOf(Handle handle);
  Result Before(DiskCall call, const Opened& opened, bool& half);
  Result Before(DiskCall call, std::string_view name, bool& half);
  void SyncNames();
  void DropUnnamed();
  bool Fits(const DiskState::File& file, std::uint64_t size) const;

  DiskState state_;
  std::map<Handle, Opened> opened_;
  Handle last_handle_ = 0;
  Hook hook_;
  std::uint64_t quota_bytes_ = 0;
  std::uint64_t number_ = 0;
  bool crashed_ = false;
  Counts counts_;
};

}  // namespace edgetwin::sim
