// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/disk.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

namespace edgetwin::sim {
namespace {

void Apply(Content& content, const DiskState::Change& change) {
  if (change.resize) {
    content.Resize(change.offset);
  } else {
    content.Write(change.offset, *change.data);
  }
}

// Some of the sectors of a write. Sectors are the file's, so a write that begins within one has a
// short first piece.
void ApplySectors(Content& content, const DiskState::Change& change, Random& random) {
  const std::string_view data = *change.data;
  // A prefix, as when the transfer was cut, or any of them, as when the disk reorders.
  const bool prefix = random.Below(2) == 0;
  std::size_t at = 0;
  while (at < data.size()) {
    const std::size_t in_sector = (change.offset + at) % kSectorBytes;
    const std::size_t bytes = std::min(kSectorBytes - in_sector, data.size() - at);
    if (random.Below(2) == 0) {
      if (prefix) return;
    } else {
      content.Write(change.offset + at, data.substr(at, bytes));
    }
    at += bytes;
  }
}

}  // namespace

std::size_t Content::Read(std::uint64_t offset, char* out, std::size_t bytes) const {
  const std::size_t there =
      offset >= size_ ? 0
                      : static_cast<std::size_t>(std::min<std::uint64_t>(bytes, size_ - offset));
  std::size_t done = 0;
  while (done < there) {
    const std::size_t block = static_cast<std::size_t>((offset + done) / kBlockBytes);
    const std::size_t from = static_cast<std::size_t>((offset + done) % kBlockBytes);
    const std::size_t part = std::min(kBlockBytes - from, there - done);
    if (blocks_[block] == nullptr) {
      std::memset(out + done, 0, part);
    } else {
      std::memcpy(out + done, blocks_[block]->data() + from, part);
    }
    done += part;
  }
  std::memset(out + there, 0, bytes - there);
  return there;
}

void Content::Write(std::uint64_t offset, std::string_view data) {
  if (data.empty()) return;
  if (offset + data.size() > size_) Resize(offset + data.size());
  std::size_t done = 0;
  while (done < data.size()) {
    const std::size_t index = static_cast<std::size_t>((offset + done) / kBlockBytes);
    const std::size_t from = static_cast<std::size_t>((offset + done) % kBlockBytes);
    const std::size_t part = std::min(kBlockBytes - from, data.size() - done);
    std::shared_ptr<Block>& block = blocks_[index];
    if (block == nullptr) {
      block = std::make_shared<Block>();
      block->fill(0);
    } else if (block.use_count() > 1) {
      block = std::make_shared<Block>(*block);
    }
    std::memcpy(block->data() + from, data.data() + done, part);
    done += part;
  }
}

void Content::Resize(std::uint64_t size) {
  const bool shrinks = size < size_;
  size_ = size;
  blocks_.resize(static_cast<std::size_t>((size + kBlockBytes - 1) / kBlockBytes));
  // What is beyond the end must read as zeros when the file grows again.
  const std::size_t used = static_cast<std::size_t>(size % kBlockBytes);
  if (!shrinks || used == 0 || blocks_.back() == nullptr) return;
  std::shared_ptr<Block>& last = blocks_.back();
  if (last.use_count() > 1) last = std::make_shared<Block>(*last);
  std::memset(last->data() + used, 0, kBlockBytes - used);
}

std::uint64_t DiskState::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [name, id] : names) {
    const auto file = files.find(id);
    if (file != files.end()) sum += file->second.current.size();
  }
  return sum;
}

std::uint64_t DiskState::unsynced_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [id, file] : files) {
    for (const Change& change : file.unsynced) sum += change.resize ? 1 : change.data->size();
  }
  return sum;
}

namespace {

enum class Fate { kLost, kKept, kTorn };

// Of the `i`th of `n` changes of a file. `first_kept`: for kReorder.
Fate FateOf(PowerLoss how, std::size_t i, std::size_t n, std::size_t first_kept, Random& random) {
  switch (how) {
    case PowerLoss::kKeepAll: return Fate::kKept;
    case PowerLoss::kLoseAll: return Fate::kLost;
    case PowerLoss::kTear: {
      const std::uint64_t fate = random.Below(3);
      return fate == 0 ? Fate::kLost : fate == 1 ? Fate::kKept : Fate::kTorn;
    }
    case PowerLoss::kSubset: return random.Below(2) == 0 ? Fate::kLost : Fate::kKept;
    case PowerLoss::kTornLast: return i + 1 == n ? Fate::kTorn : Fate::kKept;
    case PowerLoss::kReorder: return i < first_kept ? Fate::kLost : Fate::kKept;
  }
  return Fate::kLost;
}

}  // namespace

PowerLossCounts LosePower(DiskState& state, PowerLoss how, Random& random) {
  PowerLossCounts counts;
  for (auto& [id, file] : state.files) {
    if (how == PowerLoss::kKeepAll) {
      file.durable = file.current;
      counts.kept += file.unsynced.size();
    } else {
      const std::size_t n = file.unsynced.size();
      const auto first_kept = how == PowerLoss::kReorder && n > 1
                                  ? static_cast<std::size_t>(random.Between(1, n - 1))
                                  : n;
      for (std::size_t i = 0; i < n; ++i) {
        const DiskState::Change& change = file.unsynced[i];
        const Fate fate = FateOf(how, i, n, first_kept, random);
        if (fate == Fate::kLost) {
          ++counts.lost;
        } else if (fate == Fate::kKept || change.resize) {
          ++counts.kept;
          Apply(file.durable, change);
        } else {
          ++counts.torn;
          ApplySectors(file.durable, change, random);
        }
      }
    }
    file.current = file.durable;
    file.unsynced.clear();
    file.sync_names = false;
  }
  std::size_t kept = 0;
  if (how == PowerLoss::kKeepAll || how == PowerLoss::kTornLast) {
    kept = state.names_unsynced.size();
  } else if (how != PowerLoss::kLoseAll) {
    kept = static_cast<std::size_t>(random.Below(state.names_unsynced.size() + 1));
  }
  for (std::size_t i = 0; i < kept; ++i) {
    const DiskState::Naming& naming = state.names_unsynced[i];
    if (naming.file) {
      state.names_durable[naming.name] = *naming.file;
    } else {
      state.names_durable.erase(naming.name);
    }
  }
  state.names_unsynced.clear();
  state.names = state.names_durable;
  std::set<FileId> named;
  for (const auto& [name, id] : state.names) named.insert(id);
  std::erase_if(state.files, [&](const auto& entry) { return !named.contains(entry.first); });
  return counts;
}

std::string_view ToString(DiskCall call) {
  switch (call) {
    case DiskCall::kRead: return "read";
    case DiskCall::kWrite: return "write";
    case DiskCall::kTruncate: return "truncate";
    case DiskCall::kSync: return "sync";
    case DiskCall::kDelete: return "delete";
    case DiskCall::kCreate: return "create";
  }
  return "";
}

DiskState::File* Disk::FileOf(Handle handle) {
  const auto opened = opened_.find(handle);
  if (opened == opened_.end() || crashed_) return nullptr;
  const auto file = state_.files.find(opened->second.file);
  return file == state_.files.end() ? nullptr : &file->second;
}

Disk::Result Disk::Before(DiskCall call, const Opened& opened, bool& half) {
  if (opened.name.empty()) return Result::kOk;
  return Before(call, opened.name, half);
}

Disk::Result Disk::Before(DiskCall call, std::string_view name, bool& half) {
  half = false;
  if (crashed_) return Result::kIoError;
  ++counts_.calls[static_cast<std::size_t>(call)];
  const std::uint64_t number = call == DiskCall::kRead ? 0 : ++number_;
  if (!hook_) return Result::kOk;
  switch (hook_(call, name, number)) {
    case DiskAnswer::kOk: return Result::kOk;
    case DiskAnswer::kIoErrorAfterHalf: half = true; [[fallthrough]];
    case DiskAnswer::kIoError: ++counts_.io_errors; return Result::kIoError;
    case DiskAnswer::kFull: ++counts_.full; return Result::kFull;
    case DiskAnswer::kCrash: crashed_ = true; return Result::kIoError;
  }
  return Result::kOk;
}

Disk::Result Disk::Open(std::string_view name, bool create, bool sync_names, Handle& handle) {
  if (crashed_) return Result::kIoError;
  FileId id = 0;
  const auto known = name.empty() ? state_.names.end() : state_.names.find(name);
  if (known != state_.names.end()) {
    id = known->second;
  } else {
    if (!create && !name.empty()) return Result::kNotFound;
    if (!name.empty()) {
      bool half = false;
      const Result allowed = Before(DiskCall::kCreate, name, half);
      if (allowed != Result::kOk) return allowed;
    }
    id = ++state_.last_file;
    state_.files[id].sync_names = sync_names;
    if (!name.empty()) {
      state_.names.emplace(name, id);
      state_.names_unsynced.push_back({std::string(name), id});
    }
  }
  handle = ++last_handle_;
  opened_[handle] = {id, std::string(name), 0};
  return Result::kOk;
}

void Disk::Close(Handle handle) {
  const auto opened = opened_.find(handle);
  if (opened == opened_.end()) return;
  opened_.erase(opened);
  DropUnnamed();
}

void Disk::DropUnnamed() {
  std::set<FileId> used;
  for (const auto& [handle, opened] : opened_) used.insert(opened.file);
  for (const auto& [name, id] : state_.names) used.insert(id);
  for (const auto& [name, id] : state_.names_durable) used.insert(id);
  for (const DiskState::Naming& naming : state_.names_unsynced) {
    if (naming.file) used.insert(*naming.file);
  }
  std::erase_if(state_.files, [&](const auto& entry) { return !used.contains(entry.first); });
}

Disk::Result Disk::Read(Handle handle, std::uint64_t offset, char* out, std::size_t bytes) {
  const DiskState::File* file = FileOf(handle);
  if (file == nullptr) return Result::kIoError;
  bool half = false;
  const Result allowed = Before(DiskCall::kRead, opened_[handle], half);
  if (allowed != Result::kOk) return allowed;
  const std::size_t there = file->current.Read(offset, out, bytes);
  counts_.bytes_read += there;
  return there == bytes ? Result::kOk : Result::kShort;
}

bool Disk::Fits(const DiskState::File& file, std::uint64_t size) const {
  if (quota_bytes_ == 0 || size <= file.current.size()) return true;
  return state_.bytes() + (size - file.current.size()) <= quota_bytes_;
}

Disk::Result Disk::Write(Handle handle, std::uint64_t offset, std::string_view data) {
  DiskState::File* file = FileOf(handle);
  if (file == nullptr) return Result::kIoError;
  bool half = false;
  const Result allowed = Before(DiskCall::kWrite, opened_[handle], half);
  if (allowed != Result::kOk && !half) return allowed;
  if (half) data = data.substr(0, data.size() / 2);
  if (!opened_[handle].name.empty() && !Fits(*file, offset + data.size())) {
    ++counts_.full;
    return Result::kFull;
  }
  file->current.Write(offset, data);
  counts_.bytes_written += data.size();
  if (!opened_[handle].name.empty()) {
    file->unsynced.push_back({false, offset, std::make_shared<const std::string>(data)});
  }
  return allowed;
}

Disk::Result Disk::Truncate(Handle handle, std::uint64_t size) {
  DiskState::File* file = FileOf(handle);
  if (file == nullptr) return Result::kIoError;
  bool half = false;
  const Result allowed = Before(DiskCall::kTruncate, opened_[handle], half);
  if (allowed != Result::kOk) return allowed;
  file->current.Resize(size);
  if (!opened_[handle].name.empty()) file->unsynced.push_back({true, size, nullptr});
  return Result::kOk;
}

Disk::Result Disk::Sync(Handle handle) {
  DiskState::File* file = FileOf(handle);
  if (file == nullptr) return Result::kIoError;
  bool half = false;
  const Result allowed = Before(DiskCall::kSync, opened_[handle], half);
  if (allowed != Result::kOk) return allowed;
  file->durable = file->current;
  file->unsynced.clear();
  if (std::exchange(file->sync_names, false)) SyncNames();
  return Result::kOk;
}

Disk::Result Disk::Size(Handle handle, std::uint64_t& size) {
  const DiskState::File* file = FileOf(handle);
  if (file == nullptr) return Result::kIoError;
  size = file->current.size();
  return Result::kOk;
}

Disk::Result Disk::Delete(std::string_view name, bool sync_names) {
  if (crashed_) return Result::kIoError;
  const auto known = state_.names.find(name);
  if (known == state_.names.end()) return Result::kNotFound;
  bool half = false;
  const Result allowed = Before(DiskCall::kDelete, name, half);
  if (allowed != Result::kOk) return allowed;
  state_.names.erase(state_.names.find(name));
  state_.names_unsynced.push_back({std::string(name), {}});
  if (sync_names) SyncNames();
  DropUnnamed();
  return Result::kOk;
}

std::optional<std::uint64_t> Disk::SizeOf(std::string_view name) const {
  const auto known = state_.names.find(name);
  if (known == state_.names.end()) return {};
  return state_.files.at(known->second).current.size();
}

void Disk::SyncNames() {
  state_.names_durable = state_.names;
  state_.names_unsynced.clear();
}

Disk::Result Disk::Lock(Handle handle, int level) {
  if (FileOf(handle) == nullptr) return Result::kIoError;
  Opened& mine = opened_[handle];
  for (const auto& [other, opened] : opened_) {
    if (other == handle || opened.file != mine.file) continue;
    const bool excluded = opened.lock >= 3 || (level >= 2 && opened.lock >= 2) ||
                          (level == kExclusive && opened.lock >= 1);
    if (excluded) return Result::kBusy;
  }
  mine.lock = std::max(mine.lock, level);
  return Result::kOk;
}

void Disk::Unlock(Handle handle, int level) {
  const auto opened = opened_.find(handle);
  if (opened != opened_.end()) opened->second.lock = std::min(opened->second.lock, level);
}

bool Disk::Reserved(Handle handle) const {
  const auto mine = opened_.find(handle);
  if (mine == opened_.end()) return false;
  return std::ranges::any_of(opened_, [&](const auto& entry) {
    return entry.second.file == mine->second.file && entry.second.lock >= 2;
  });
}

void Disk::Kill() {
  ++counts_.kills;
  opened_.clear();
  crashed_ = false;
  DropUnnamed();
}

void Disk::LosePower(PowerLoss how, Random& random) {
  ++counts_.power_losses;
  opened_.clear();
  crashed_ = false;
  const PowerLossCounts counts = sim::LosePower(state_, how, random);
  counts_.unsynced.kept += counts.kept;
  counts_.unsynced.lost += counts.lost;
  counts_.unsynced.torn += counts.torn;
}

void Disk::Replace(DiskState state) {
  opened_.clear();
  crashed_ = false;
  const FileId last = state_.last_file;
  state_ = std::move(state);
  state_.last_file = std::max(state_.last_file, last);
}

}  // namespace edgetwin::sim
