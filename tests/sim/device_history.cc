// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/device_history.h"

#include <utility>

namespace edgetwin::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kPath[] = "/sim/history.db";
constexpr microseconds kTick = seconds(1);
constexpr microseconds kReopenPause = seconds(10);

history::RecorderOptions SimRecorder() {
  history::RecorderOptions options;
  // Small, so that blocks and commits are many.
  options.block_samples_max = 16;
  options.samples_max = 200;
  options.batch_bytes_max = 2'000;
  options.window = {seconds(8), seconds(8), seconds(8)};
  return options;
}

sync::LossRecord ToRecord(const history::Loss& loss) {
  sync::LossRecord record;
  record.reason = static_cast<std::uint32_t>(loss.reason);
  record.exact = loss.exact;
  record.inc = loss.inc;
  record.first = loss.first;
  record.last = loss.last;
  record.count = loss.count;
  record.from = loss.from;
  record.to = loss.to;
  return record;
}

}  // namespace

DeviceHistory::DeviceHistory(Schedule& schedule, Machine& machine, std::size_t number, Past& past,
                             std::function<WallTime()> wall, Hooks hooks)
    : schedule_(schedule),
      machine_(machine),
      number_(number),
      past_(past),
      wall_(std::move(wall)),
      hooks_(std::move(hooks)),
      recorder_(SimRecorder()) {
  After(machine_.CommitTakes(), [this] { Open(); });
  After(kTick, [this] { Tick(); });
}

DeviceHistory::~DeviceHistory() = default;

void DeviceHistory::After(microseconds wait, std::function<void()> task) {
  schedule_.After(wait, [alive = std::weak_ptr<int>(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void DeviceHistory::Open() {
  history::HistoryStoreOptions options;
  options.path = kPath;
  options.inc = machine_.random().Bits() | 1;
  options.now = wall_();
  options.window_samples_max = SimRecorder().samples_max;
  options.bytes_max = history::kHistoryBytesMin;
  options.vfs = machine_.vfs_name();
  auto opened = history::HistoryStore::Open(options);
  if (machine_.disk().crashed()) return hooks_.crashed();
  if (!opened) {
    const ErrorCode code = opened.error().code;
    if (code != ErrorCode::kUnavailable && code != ErrorCode::kExhausted) {
      return hooks_.broken(opened.error().text);
    }
    return After(kReopenPause, [this] { Open(); });
  }
  store_ = *std::move(opened);
  recorder_.Attach(store_->inc(), store_->paths(), history::LossReason::kFileLost, wall_());
  hooks_.attached({store_->cloud_mark().inc, store_->cloud_mark().commit});
}

void DeviceHistory::Record(const std::string& path, const model::Sample& sample) {
  recorder_.Record(recorder_.Define(path), history::Priority::kNormal, sample, Now());
}

void DeviceHistory::Tick() {
  if (store_) Commit();
  After(kTick, [this] { Tick(); });
}

void DeviceHistory::Note(const history::HistoryBatch& batch, bool surely) {
  for (const history::BlockRecord& block : batch.blocks) {
    const auto& paths = store_->paths();
    std::string path;
    if (block.path <= paths.size()) path = paths[block.path - 1].path;
    for (const history::NewPath& added : batch.paths) {
      if (added.id == block.path) path = added.path;
    }
    past_.Committed(number_, store_->inc(), path, block, surely);
  }
}

void DeviceHistory::Commit() {
  auto batch = recorder_.Take(Now());
  if (!batch) return;
  After(machine_.CommitTakes(), [this, batch = *std::move(batch)] {
    // What a crash in the middle leaves may be there.
    Note(batch, false);
    const Status done = store_->Commit(batch);
    if (done) Note(batch, true);
    if (hooks_.trace) {
      hooks_.trace("commits " + std::to_string(batch.blocks.size()) + " blocks" +
                   (done ? std::string() : ": " + done.error().text));
    }
    if (machine_.disk().crashed()) return hooks_.crashed();
    if (!done && done.error().code == ErrorCode::kCorrupt) hooks_.broken(done.error().text);
    recorder_.Committed(done.has_value(), Now());
    if (done) hooks_.stored();
  });
}

void DeviceHistory::Stop() {
  if (!store_) return;
  recorder_.Committed(false, Now());
  while (const auto batch = recorder_.Take(Now(), true)) {
    Note(*batch, false);
    const Status done = store_->Commit(*batch);
    recorder_.Committed(done.has_value(), Now());
    if (!done) return;
    Note(*batch, true);
  }
  (void)store_->Close({});
}

Result<sync::BackfillChunk> DeviceHistory::Take(const sync::BackfillRead& read) {
  if (!store_) return Unavailable("the history is not open");
  history::DeliveryRequest request;
  if (read.anew) {
    request.held.emplace();
    for (const auto& held : *read.anew) {
      request.held->push_back({held.path, {}});
      for (const auto& interval : held.intervals) {
        request.held->back().intervals.push_back({interval.first, interval.last});
      }
    }
  }
  request.delivered = read.delivered;
  request.mark = {read.mark.inc, read.mark.commit};
  request.order = read.order == sync::BackfillOrder::kNewest ? history::DeliveryOrder::kNewest
                                                             : history::DeliveryOrder::kOldest;
  request.bytes_max = std::min<std::size_t>(read.bytes_max, 1'000);
  auto taken = store_->TakeUndelivered(request);
  if (!taken) return taken.error();
  sync::BackfillChunk chunk;
  chunk.inc = taken->inc;
  for (history::BlockRecord& block : taken->blocks) {
    chunk.blocks.push_back({store_->paths().at(block.path - 1).path, block.first, block.count,
                            std::move(block.bytes)});
  }
  for (const history::Loss& loss : taken->losses) {
    chunk.losses.push_back({store_->paths().at(loss.path - 1).path, ToRecord(loss)});
  }
  return chunk;
}

void DeviceHistory::Read(const sync::BackfillRead& read,
                         std::function<void(Result<sync::BackfillChunk>)> answered) {
  After(machine_.CommitTakes(), [this, read, answered = std::move(answered)] {
    Result<sync::BackfillChunk> chunk = Take(read);
    if (machine_.disk().crashed()) return hooks_.crashed();
    answered(std::move(chunk));
  });
}

}  // namespace edgetwin::sim
