// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/recorder.h"

#include <algorithm>
#include <utility>

#include "twin/base/check.h"
#include "twin/history/block.h"

namespace edgetwin::history {
namespace {

// What a block takes in memory besides its bytes, about: its record, half as much of the list that
// is free, and what the heap has for itself.
constexpr std::uint64_t kBlockOverheadBytes = sizeof(BlockRecord) * 3 / 2 + 32;

// How long a path that the store doesn't know yet, or a full block, waits for company.
constexpr std::chrono::milliseconds kCompany{500};

std::uint64_t MemoryOf(const BlockRecord& block) {
  return block.bytes.size() + kBlockOverheadBytes;
}

BlockRecord Describe(const std::vector<model::Sample>& samples, std::uint64_t first) {
  BlockRecord block;
  block.first = first;
  block.count = static_cast<std::uint32_t>(samples.size());
  const auto [earliest, latest] = std::ranges::minmax_element(samples, {}, &model::Sample::time);
  block.t_min = earliest->time;
  block.t_max = latest->time;
  return block;
}

}  // namespace

Recorder::Recorder(RecorderOptions options)
    : options_(options),
      window_(options.window),
      bytes_limit_(options.bytes_max),
      samples_limit_(options.samples_max) {
  EDGETWIN_CHECK(options.block_samples_max > 0 && options.block_samples_max <= kBlockSamplesMax &&
                 options.samples_max >= options.block_samples_max);
}

Recorder::Slot Recorder::Define(std::string_view path) {
  const auto [entry, added] =
      slots_.try_emplace(std::string(path), static_cast<Slot>(paths_.size()));
  if (added) {
    paths_.emplace_back();
    paths_.back().path = path;
  }
  return entry->second;
}

std::optional<Recorder::Slot> Recorder::Find(std::string_view path) const {
  const auto found = slots_.find(path);
  if (found == slots_.end()) return {};
  return found->second;
}

void Recorder::Record(Slot slot, Priority priority, const model::Sample& sample, MonoTime now) {
  PathState& path = paths_[slot];
  path.priority = priority;
  open_bytes_ -= path.open.memory_bytes();
  path.open.Add(sample);
  open_bytes_ += path.open.memory_bytes();
  ++path.next;
  ++path.held;
  const auto rank = static_cast<std::size_t>(priority);
  if (!window_end_[rank]) window_end_[rank] = now + window_[rank];
  // Until the store knows, an unclean stop would not be noticed for this path.
  if (!path.live) Due(now + kCompany);
  if (path.open.size() >= options_.block_samples_max ||
      path.open.used_bytes() >= options_.block_bytes_max) {
    Seal(path);
    Due(now + kCompany);
  }
  KeepWithinLimits(path);
  Account();
}

void Recorder::KeepWithinLimits(PathState& path) {
  while (path.held > options_.samples_max) {
    samples_limit_.Hit();
    Drop(path);
  }
  while (open_bytes_ + sealed_bytes_ > options_.bytes_max / 2 &&
         open_bytes_ > options_.bytes_max / 4) {
    SealLargest();
  }
  while (open_bytes_ + sealed_bytes_ > options_.bytes_max) {
    bytes_limit_.Hit();
    if (!DropLowest()) break;
  }
}

void Recorder::Seal(PathState& path) {
  if (path.open.empty()) return;
  const std::uint64_t first = path.next - path.open.size();
  const std::vector<model::Sample> samples = path.open.Samples();
  BlockRecord block = Describe(samples, first);
  block.path = path.id;
  block.priority = path.priority;
  Result<std::string> bytes = EncodeBlock(samples, first);
  open_bytes_ -= path.open.memory_bytes();
  path.open.Clear();
  if (!bytes) {  // No memory, or a value that drivers are kept from handing over.
    path.held -= block.count;
    dropped_ += block.count;
    return AddLoss(path, LossOf(block));
  }
  block.bytes = std::move(*bytes);
  block.bytes.shrink_to_fit();
  sealed_bytes_ += MemoryOf(block);
  path.sealed.push_back(std::move(block));
}

void Recorder::SealLargest() {
  const auto largest = std::ranges::max_element(
      paths_, {}, [](const PathState& path) { return path.open.memory_bytes(); });
  Seal(*largest);
}

Loss Recorder::LossOf(const BlockRecord& block) const {
  return {.path = block.path,
          .reason = LossReason::kNotStored,
          .exact = true,
          .inc = inc_,
          .first = block.first,
          .last = block.first + block.count - 1,
          .count = block.count,
          .from = block.t_min,
          .to = block.t_max};
}

void Recorder::AddLoss(PathState& path, Loss loss) {
  const auto touches = [&loss](const Loss& other) {
    return other.reason == loss.reason && other.exact == loss.exact &&
           (other.last + 1 == loss.first || loss.last + 1 == other.first);
  };
  for (auto other = path.losses.begin(); other != path.losses.end();) {
    // What is in flight stays as it is there.
    if (!touches(*other) || other->first < path.in_flight) {
      ++other;
      continue;
    }
    loss.first = std::min(loss.first, other->first);
    loss.last = std::max(loss.last, other->last);
    loss.count += other->count;
    loss.from = std::min(loss.from, other->from);
    loss.to = std::max(loss.to, other->to);
    other = path.losses.erase(other);
  }
  const auto after = std::ranges::upper_bound(path.losses, loss.first, {}, &Loss::first);
  path.losses.insert(after, loss);
}

// The oldest block that isn't in flight.
void Recorder::Drop(PathState& path) {
  const auto waits = [&path](const BlockRecord& block) { return block.first >= path.in_flight; };
  auto oldest = std::ranges::find_if(path.sealed, waits);
  if (oldest == path.sealed.end()) {
    Seal(path);
    oldest = std::ranges::find_if(path.sealed, waits);
    if (oldest == path.sealed.end()) return;
  }
  const Loss loss = LossOf(*oldest);
  sealed_bytes_ -= MemoryOf(*oldest);
  path.sealed.erase(oldest);
  path.held -= loss.count;
  dropped_ += loss.count;
  AddLoss(path, loss);
}

bool Recorder::DropLowest() {
  PathState* lowest = nullptr;
  WallTime oldest{};
  for (PathState& path : paths_) {
    for (const BlockRecord& block : path.sealed) {
      if (block.first < path.in_flight) continue;
      const bool lower = lowest == nullptr || path.priority < lowest->priority ||
                         (path.priority == lowest->priority && block.t_min < oldest);
      if (lower) {
        lowest = &path;
        oldest = block.t_min;
      }
      break;
    }
  }
  if (lowest == nullptr) return false;
  Drop(*lowest);
  return true;
}

void Recorder::Attach(std::uint64_t inc, const std::vector<PathRecord>& stored, LossReason missing,
                      WallTime now) {
  Detach();
  inc_ = inc;
  for (PathState& path : paths_) {
    path.id = 0;
    path.known = path.live = false;
  }
  std::vector<std::uint64_t> nexts(paths_.size(), 0);
  for (const PathRecord& record : stored) {
    const Slot slot = Define(record.path);
    if (slot >= nexts.size()) nexts.resize(slot + std::size_t{1}, 0);
    paths_[slot].id = record.id;
    paths_[slot].known = true;
    nexts[slot] = record.next;
  }
  last_id_ = static_cast<PathId>(stored.size());
  for (std::size_t slot = 0; slot < paths_.size(); ++slot) {
    PathState& path = paths_[slot];
    if (nexts[slot] > path.committed) {
      Renumber(path, nexts[slot]);
    } else if (nexts[slot] < path.committed) {
      // When they were is not known any more.
      AddLoss(path, {.path = path.id,
                     .reason = missing,
                     .exact = false,
                     .inc = 0,
                     .first = nexts[slot],
                     .last = path.committed - 1,
                     .count = path.committed - nexts[slot],
                     .from = WallTime{},
                     .to = now});
      path.committed = path.in_flight = nexts[slot];
    }
  }
}

// Samples that weren't committed follow `next` instead of path.committed.
void Recorder::Renumber(PathState& path, std::uint64_t next) {
  const std::uint64_t shift = next - path.committed;
  path.committed = path.in_flight = next;
  path.next += shift;
  for (Loss& loss : path.losses) {
    loss.first += shift;
    loss.last += shift;
  }
  std::vector<BlockRecord> old = std::exchange(path.sealed, {});
  for (BlockRecord& block : old) {
    sealed_bytes_ -= MemoryOf(block);
    block.first += shift;
    const Result<Block> samples = DecodeBlock(block.bytes);
    Result<std::string> bytes =
        samples ? EncodeBlock(samples->samples, block.first) : samples.error();
    if (!bytes) {
      path.held -= block.count;
      dropped_ += block.count;
      AddLoss(path, LossOf(block));
      continue;
    }
    block.bytes = std::move(*bytes);
    block.bytes.shrink_to_fit();
    sealed_bytes_ += MemoryOf(block);
    path.sealed.push_back(std::move(block));
  }
}

void Recorder::Detach() {
  inc_ = 0;
  out_ = false;
  for (PathState& path : paths_) path.in_flight = path.committed;
}

// In the order of ordinals, as far as the batch has room.
void Recorder::TakeFrom(PathState& path, HistoryBatch& batch, std::uint64_t& bytes) {
  std::uint64_t at = path.committed;
  auto block = path.sealed.begin();
  auto loss = path.losses.begin();
  while (bytes < options_.batch_bytes_max) {
    if (loss != path.losses.end() && loss->first == at) {
      batch.losses.push_back(*loss);
      batch.losses.back().path = path.id;
      if (loss->reason == LossReason::kNotStored) batch.losses.back().inc = inc_;
      at = loss->last + 1;
      ++loss;
    } else if (block != path.sealed.end() && block->first == at) {
      batch.blocks.push_back(*block);
      batch.blocks.back().path = path.id;
      bytes += MemoryOf(*block);
      at = block->first + block->count;
      ++block;
    } else {
      break;
    }
  }
  path.in_flight = at;
}

std::optional<HistoryBatch> Recorder::Take(MonoTime now, bool everything) {
  if (!attached() || out_) return {};
  const std::optional<MonoTime> at = NextTake();
  if (!everything && (!at || *at > now)) return {};
  retry_.reset();
  due_.reset();
  std::array<bool, kPriorities> over{};
  for (std::size_t rank = 0; rank < kPriorities; ++rank) {
    over[rank] = everything || (window_end_[rank] && *window_end_[rank] <= now);
    if (over[rank]) window_end_[rank].reset();
  }
  HistoryBatch batch;
  std::uint64_t bytes = 0;
  bool left = false;
  for (PathState& path : paths_) {
    if (over[static_cast<std::size_t>(path.priority)]) Seal(path);
    const bool has_samples = path.next != path.committed;
    if (path.id == 0 && has_samples) path.id = ++last_id_;
    if (!path.known && path.id != 0) batch.paths.push_back({path.id, path.path});
    if (path.known && !path.live && has_samples) batch.live.push_back(path.id);
    path.told = path.id != 0 && has_samples;
    TakeFrom(path, batch, bytes);
    left = left || path.in_flight != path.next - path.open.size();
  }
  std::ranges::sort(batch.paths, {}, &NewPath::id);
  Account();
  if (left) due_ = now;
  if (batch.empty()) return {};
  out_ = true;
  return batch;
}

void Recorder::Forget(PathState& path) {
  path.committed = path.in_flight;
  const auto waiting =
      std::ranges::lower_bound(path.sealed, path.committed, {}, &BlockRecord::first);
  for (auto block = path.sealed.begin(); block != waiting; ++block) {
    sealed_bytes_ -= MemoryOf(*block);
    path.held -= block->count;
  }
  path.sealed.erase(path.sealed.begin(), waiting);
  if (path.sealed.empty()) path.sealed = std::vector<BlockRecord>();
  std::erase_if(path.losses, [&path](const Loss& loss) { return loss.first < path.committed; });
}

void Recorder::Committed(bool durable, MonoTime now) {
  if (!out_) return;
  out_ = false;
  for (PathState& path : paths_) {
    if (!durable) {
      path.in_flight = path.committed;
      continue;
    }
    if (path.told) path.known = path.live = true;
    Forget(path);
  }
  if (!durable) retry_ = now + retry_period;
  Account();
}

std::optional<MonoTime> Recorder::NextTake() const {
  if (!attached() || out_) return {};
  if (retry_) return retry_;
  std::optional<MonoTime> next = due_;
  for (const std::optional<MonoTime>& end : window_end_) {
    if (end && (!next || *end < *next)) next = end;
  }
  return next;
}

void Recorder::SetWindow(Priority priority, std::chrono::milliseconds window) {
  window_[static_cast<std::size_t>(priority)] = window;
}

std::vector<BlockRecord> Recorder::Unstored(Slot slot) const {
  const PathState& path = paths_[slot];
  std::vector<BlockRecord> blocks = path.sealed;
  for (BlockRecord& block : blocks) block.path = path.id;
  if (path.open.empty()) return blocks;
  const std::uint64_t first = path.next - path.open.size();
  const std::vector<model::Sample> samples = path.open.Samples();
  Result<std::string> bytes = EncodeBlock(samples, first);
  if (!bytes) return blocks;
  BlockRecord block = Describe(samples, first);
  block.path = path.id;
  block.priority = path.priority;
  block.bytes = std::move(*bytes);
  blocks.push_back(std::move(block));
  return blocks;
}

std::vector<Loss> Recorder::UnstoredLosses(Slot slot) const {
  return paths_[slot].losses;
}

void Recorder::Account() {
  bytes_limit_.Use(open_bytes_ + sealed_bytes_);
}

std::vector<LimitReport> Recorder::limits() const {
  return {bytes_limit_.Report("history_window_bytes"),
          samples_limit_.Report("history_path_samples")};
}

}  // namespace edgetwin::history
