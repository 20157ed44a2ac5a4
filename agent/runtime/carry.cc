// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/carry.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "agent/runtime/backfill.h"

namespace edgetwin::runtime {
namespace {

using history::HistoryStore;
using history::Loss;

constexpr std::size_t kLossesMax = 500;  // In one piece.
constexpr std::uint64_t kCommitMax = std::numeric_limits<std::int64_t>::max();

history::WalkPlace ToPlace(const sync::CarryPlace& place) {
  return {.commit = static_cast<std::int64_t>(std::min(place.commit, kCommitMax)),
          .inc = place.inc,
          .priority = static_cast<int>(std::min<std::uint32_t>(place.priority, 1 << 20)),
          .path = place.path,
          .first = place.first};
}

// After all of the commit.
sync::CarryPlace AfterCommit(std::uint64_t commit) {
  sync::CarryPlace place;
  place.commit = commit;
  place.priority = std::numeric_limits<std::uint8_t>::max();
  return place;
}

// The path's number in the part, which has it then.
model::Pid PidOf(const std::string& path, std::map<std::string, model::Pid>& pids,
                 std::vector<std::string>& paths) {
  const auto [entry, added] = pids.try_emplace(path, static_cast<model::Pid>(paths.size() + 1));
  if (added) paths.push_back(path);
  return entry->second;
}

// Nothing of what is withheld is told, not even that it is gone.
bool Leaves(const HistoryStore& store, const std::string& path, const Loss& loss,
            const CarryRequest& request) {
  const auto withheld = store.withheld().find(path);
  if (withheld != store.withheld().end() && loss.first < withheld->second) return false;
  return loss.reason != history::LossReason::kDelivered && loss.to >= request.from &&
         loss.from <= request.to;
}

Status AddLosses(HistoryStore& store, const CarryRequest& request, sync::CarryPart& part) {
  const Result<std::vector<Loss>> losses = store.Losses();
  if (!losses) return losses.error();
  std::map<std::string, model::Pid> pids;
  std::uint64_t& ledger = part.end.ledger;
  std::uint64_t place = ledger - 1;
  for (; place < losses->size() && part.history.losses.size() < kLossesMax; ++place) {
    const Loss& loss = (*losses)[static_cast<std::size_t>(place)];
    if (loss.path == 0 || loss.path > store.paths().size()) continue;
    const std::string& path = store.paths()[loss.path - 1].path;
    if (!Leaves(store, path, loss, request)) continue;
    part.history.losses.push_back({PidOf(path, pids, part.paths), ToRecord(loss)});
  }
  ledger = place + 1;
  part.last = place >= losses->size();
  return {};
}

}  // namespace

Result<CarryPiece> ReadPiece(HistoryStore& store, const CarryRequest& request) {
  CarryPiece piece;
  piece.known = ToMark(store.cloud_mark());
  piece.part.end = request.after;
  if (request.after == sync::CarryPlace() && request.since_last) {
    piece.since = static_cast<std::uint64_t>(store.carried());
    piece.part.end = AfterCommit(piece.since);
  }
  if (piece.part.end.ledger != 0) {
    if (Status added = AddLosses(store, request, piece.part); !added) return added.error();
    return piece;
  }
  Result<history::Walked> walked = store.Walk({.after = ToPlace(piece.part.end),
                                               .from = request.from,
                                               .to = request.to,
                                               .bytes_max = sync::kCarryPartBytes});
  if (!walked) return walked.error();
  std::map<std::string, model::Pid> pids;
  for (history::BlockRecord& block : walked->blocks) {
    if (block.bytes.size() > sync::kHistoryBlockBytesMax) continue;  // As in a session.
    const std::string& path = store.paths().at(block.path - 1).path;
    piece.part.history.blocks.push_back(
        {PidOf(path, pids, piece.part.paths), std::move(block.bytes)});
  }
  if (!piece.part.history.blocks.empty()) piece.part.history.inc = walked->inc;
  const history::WalkPlace& end = walked->end;
  piece.part.end = {.commit = static_cast<std::uint64_t>(end.commit),
                    .inc = end.inc,
                    .priority = static_cast<std::uint32_t>(std::max(end.priority, 0)),
                    .path = end.path,
                    .first = end.first,
                    .ledger = walked->all ? 1U : 0U};
  return piece;
}

void KeepOnly(sync::CarryPart& part, const std::function<bool(const std::string&)>& wanted) {
  std::vector<model::Pid> pids;  // The new ones; 0: isn't wanted.
  std::vector<std::string> paths;
  for (std::string& path : part.paths) {
    const bool kept = wanted(path);
    if (kept) paths.push_back(std::move(path));
    pids.push_back(kept ? static_cast<model::Pid>(paths.size()) : 0);
  }
  part.paths = std::move(paths);
  const auto renumber = [&pids](auto& entries) {
    for (auto& entry : entries) entry.pid = pids.at(entry.pid - 1);
    std::erase_if(entries, [](const auto& entry) { return entry.pid == 0; });
  };
  renumber(part.history.blocks);
  renumber(part.history.losses);
  if (part.history.blocks.empty()) part.history.inc = 0;
}

history::Receipt ToReceipt(const sync::CarryReceipt& receipt) {
  return {.since = static_cast<std::int64_t>(std::min(receipt.since, kCommitMax)),
          .end = ToPlace(receipt.end),
          .all_of_end = receipt.end.ledger != 0,
          .known = {receipt.known.inc, receipt.known.commit},
          .mark = {receipt.mark.inc, receipt.mark.commit}};
}

}  // namespace edgetwin::runtime
