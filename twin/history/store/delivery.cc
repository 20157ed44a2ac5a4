// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/delivery.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "history_store_sql.h"
#include "twin/history/store/blocks.h"
#include "twin/history/store/ledger.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::Statement;

constexpr std::string_view kMarkInc = "cloud_inc";
constexpr std::string_view kMarkCommit = "cloud_commit";
constexpr std::string_view kPartBatch = "part_batch";
constexpr std::string_view kPartPriority = "part_priority";
constexpr std::string_view kPartPath = "part_path";
constexpr std::string_view kPartFirst = "part_first";

constexpr std::size_t kLossesMax = 100;  // In one chunk.
// In one chunk: each is a look into the file, and what is passed over costs as much.
constexpr std::size_t kBatchesMax = 64;
constexpr std::size_t kSpansMax = 64;  // Before gaps without batches are looked for.

Result<std::uint64_t> ReadMeta(Database& db, std::string_view key) {
  Result<Statement> select = db.Prepare(sql::kSelectMeta);
  if (!select) return select.error();
  const Result<bool> row = select->BindText(1, key).Step();
  if (!row) return row.error();
  return *row ? select->Uint(0) : 0;
}

std::tuple<int, PathId, std::uint64_t> KeyOf(const BlockRecord& block) {
  return {static_cast<int>(block.priority), block.path, block.first};
}

Result<bool> Exists(Database& db, std::int64_t batch) {
  Result<Statement> select = db.Prepare(sql::kSelectBatchUp);
  if (!select) return select.error();
  return select->BindInt(1, batch).BindInt(2, batch).Step();
}

bool Same(const Loss& a, const Loss& b) {
  return a.path == b.path && a.reason == b.reason && a.exact == b.exact && a.first == b.first &&
         a.last == b.last && a.count == b.count;
}

}  // namespace

Status Delivery::Load(Database& db) {
  const Status read =
      store::ForEach(db, sql::kSelectDelivered, [this, &db](const Statement& row) -> Status {
        const Span span{row.Int(0), row.Int(1)};
        if (span.first > span.last || (!spans_.empty() && span.first <= spans_.back().last)) {
          return store::Damage(db, "delivered", span.first);
        }
        spans_.push_back(span);
        return {};
      });
  if (!read) return read;
  std::uint64_t values[6] = {};
  std::size_t at = 0;
  for (const std::string_view key :
       {kMarkInc, kMarkCommit, kPartBatch, kPartPriority, kPartPath, kPartFirst}) {
    const Result<std::uint64_t> value = ReadMeta(db, key);
    if (!value) return value.error();
    values[at++] = *value;
  }
  mark_ = {values[0], values[1]};
  if (values[2] == 0) return {};
  if (values[2] > static_cast<std::uint64_t>(kBatchMax) ||
      values[3] > static_cast<std::uint64_t>(Priority::kHigh) || values[4] > kPathIdMax) {
    return store::Damage(db, "meta", static_cast<std::int64_t>(values[2]));
  }
  part_ = Part{static_cast<std::int64_t>(values[2]),
               {static_cast<int>(values[3]), static_cast<PathId>(values[4]), values[5]}};
  return {};
}

Status Delivery::Save(Database& db) const {
  if (!dirty_) return {};
  if (Status done = db.Exec(std::string(sql::kDeleteDelivered)); !done) return done;
  const Status inserted =
      store::RunForEach(db, sql::kInsertDelivered, spans_, [](Statement& insert, const Span& span) {
        insert.BindInt(1, span.first).BindInt(2, span.last);
      });
  if (!inserted) return inserted;
  const Part part = part_.value_or(Part{});
  const std::pair<std::string_view, std::uint64_t> entries[] = {
      {kMarkInc, mark_.inc},
      {kMarkCommit, mark_.commit},
      {kPartBatch, static_cast<std::uint64_t>(part.batch)},
      {kPartPriority, static_cast<std::uint64_t>(std::get<0>(part.block))},
      {kPartPath, std::get<1>(part.block)},
      {kPartFirst, std::get<2>(part.block)}};
  const Status marked = store::RunForEach(
      db, sql::kUpsertMeta, std::span(entries), [](Statement& upsert, const auto& entry) {
        upsert.BindText(1, entry.first).BindUint(2, entry.second);
      });
  if (!marked) return marked;
  return MarkTold(db, told_);
}

void Delivery::Saved() {
  dirty_ = false;
  unsaved_bytes_ = 0;
  told_.clear();
}

void Delivery::Add(Spans& spans, std::int64_t batch) {
  auto after = std::ranges::upper_bound(spans, batch, {}, &Span::first);
  const bool joins_after = after != spans.end() && after->first == batch + 1;
  if (after != spans.begin()) {
    Span& before = *std::prev(after);
    if (batch <= before.last) return;
    if (before.last + 1 == batch) {
      before.last = batch;
      if (!joins_after) return;
      before.last = after->last;
      spans.erase(after);
      return;
    }
  }
  if (joins_after) {
    after->first = batch;
    return;
  }
  spans.insert(after, {batch, batch});
}

bool Delivery::Contains(const Spans& spans, std::int64_t batch) {
  const auto after = std::ranges::upper_bound(spans, batch, {}, &Span::first);
  return after != spans.begin() && batch <= std::prev(after)->last;
}

// Outside of the spans, from the end that `order` begins with; 0: there is none.
Result<std::int64_t> Delivery::NextBatch(Database& db, const Spans& spans, DeliveryOrder order) {
  const bool newest = order == DeliveryOrder::kNewest;
  Result<Statement> select = db.Prepare(newest ? sql::kSelectBatchDown : sql::kSelectBatchUp);
  if (!select) return select.error();
  for (std::size_t i = 0; i <= spans.size(); ++i) {
    const std::size_t gap = newest ? spans.size() - i : i;
    const std::int64_t from = gap == 0 ? 1 : spans[gap - 1].last + 1;
    const std::int64_t to = gap == spans.size() ? kBatchMax : spans[gap].first - 1;
    if (from > to) continue;
    const Result<bool> row = select->BindInt(1, from).BindInt(2, to).Step();
    if (!row) return row.error();
    if (*row) return select->Int(0);
    select->Reset();
  }
  return 0;
}

Result<std::uint64_t> Delivery::IncOf(Database& db, std::int64_t batch) {
  Result<Statement> select = db.Prepare(sql::kSelectBatchInc);
  if (!select) return select.error();
  const Result<bool> row = select->BindInt(1, batch).Step();
  if (!row) return row.error();
  if (!*row) return store::Damage(db, "batch", batch);
  return select->Uint(0);
}

Result<bool> Delivery::ReadBatch(Database& db, std::int64_t batch, std::size_t bytes_max,
                                 std::size_t& bytes, Undelivered& chunk) {
  IdRange range = IdsOf(batch);
  const bool goes_on = part_ && part_->batch == batch;
  if (goes_on) {
    const auto& [priority, path, first] = part_->block;
    range.first = IdsOf(batch, priority, path).first;
  }
  bool all = true;
  bool whole = true;
  const Status read = ForEachBlock(db, batch, range, [&](StoredBlock& stored) {
    BlockRecord& block = stored.block;
    whole = stored.whole;
    if (!whole) return false;
    // Of the same path, what precedes it.
    if (goes_on && KeyOf(block) <= part_->block) return true;
    all = chunk.blocks.empty() || bytes + block.bytes.size() <= bytes_max;
    if (!all) return false;
    bytes += block.bytes.size();
    part_out_ = Part{batch, KeyOf(block)};
    chunk.blocks.push_back(std::move(block));
    return true;
  });
  if (!read) return read.error();
  if (!whole) return store::Damage(db, "block", batch);
  return all;
}

Result<Undelivered> Delivery::Take(Database& db, DeliveryOrder order, std::size_t bytes_max) {
  batches_out_.clear();
  part_out_.reset();
  losses_out_.clear();
  Undelivered chunk;
  std::size_t bytes = 0;
  Spans spans = spans_;
  for (std::size_t batches = 0; batches < kBatchesMax && bytes < bytes_max; ++batches) {
    Result<std::int64_t> batch = NextBatch(db, spans, order);
    if (!batch) return batch.error();
    // What was begun is ended first.
    if (part_ && !Contains(spans, part_->batch)) {
      const Result<bool> there = Exists(db, part_->batch);
      if (!there) return there.error();
      if (*there) batch = part_->batch;
    }
    if (*batch == 0) break;
    const Result<std::uint64_t> inc = IncOf(db, *batch);
    if (!inc) return inc.error();
    if (!chunk.blocks.empty() && *inc != chunk.inc) break;
    chunk.inc = *inc;
    const Result<bool> all = ReadBatch(db, *batch, bytes_max, bytes, chunk);
    if (!all) return all.error();
    if (!*all) break;
    part_out_.reset();
    batches_out_.push_back(*batch);
    Add(spans, *batch);
  }
  bytes_out_ = bytes;
  Result<std::vector<Loss>> losses = ReadUntoldLosses(db);
  if (!losses) return losses.error();
  for (Loss& loss : *losses) {
    if (losses_out_.size() == kLossesMax) break;
    const auto same = [&loss](const Loss& told) { return Same(told, loss); };
    if (std::ranges::none_of(told_, same)) losses_out_.push_back(loss);
  }
  chunk.losses = losses_out_;
  if (Status joined = Join(db); !joined) return joined.error();
  return chunk;
}

// Spans with nothing between them any more become one.
Status Delivery::Join(Database& db) {
  if (spans_.size() <= kSpansMax) return {};
  Result<Statement> select = db.Prepare(sql::kSelectBatchUp);
  if (!select) return select.error();
  Spans joined = {spans_.front()};
  for (std::size_t i = 1; i < spans_.size(); ++i) {
    const Result<bool> row =
        select->BindInt(1, joined.back().last + 1).BindInt(2, spans_[i].first - 1).Step();
    if (!row) return row.error();
    if (*row) {
      joined.push_back(spans_[i]);
    } else {
      joined.back().last = spans_[i].last;
    }
    select->Reset();
  }
  spans_ = std::move(joined);
  return {};
}

void Delivery::Delivered() {
  for (const std::int64_t batch : std::exchange(batches_out_, {})) {
    Add(spans_, batch);
    if (part_ && part_->batch == batch) part_.reset();
  }
  if (part_out_) part_ = std::exchange(part_out_, {});
  for (Loss& loss : std::exchange(losses_out_, {})) told_.push_back(loss);
  unsaved_bytes_ += std::exchange(bytes_out_, 0);
  dirty_ = true;
}

void Delivery::DeliveredAll(std::int64_t first, std::int64_t last) {
  Span all{first, last};
  Spans spans;
  for (const Span& span : spans_) {
    if (span.last + 1 < all.first || span.first > all.last + 1) {
      spans.push_back(span);
    } else {
      all = {std::min(all.first, span.first), std::max(all.last, span.last)};
    }
  }
  spans.insert(std::ranges::upper_bound(spans, all.first, {}, &Span::first), all);
  spans_ = std::move(spans);
  if (part_ && Contains(spans_, part_->batch)) part_.reset();
  dirty_ = true;
}

std::int64_t Delivery::SkipDelivered(std::int64_t batch) const {
  const auto after = std::ranges::upper_bound(spans_, batch, {}, &Span::first);
  if (after == spans_.begin()) return batch;
  return std::max(batch, std::prev(after)->last + 1);
}

void Delivery::Anew() {
  spans_.clear();
  part_.reset();
  batches_out_.clear();
  part_out_.reset();
  losses_out_.clear();
  bytes_out_ = 0;
  dirty_ = true;
}

void Delivery::SetMark(const CloudMark& mark) {
  if (mark_ == mark) return;
  mark_ = mark;
  dirty_ = true;
}

bool Delivery::OnItsWay(std::int64_t batch) const {
  return (part_out_ && part_out_->batch == batch) ||
         std::ranges::find(batches_out_, batch) != batches_out_.end();
}

bool Delivery::Has(std::int64_t batch, const BlockRecord& block) const {
  if (Contains(spans_, batch)) return true;
  return part_ && part_->batch == batch && KeyOf(block) <= part_->block;
}

Result<std::int64_t> Delivery::Oldest(Database& db) const {
  Result<Statement> select = db.Prepare(sql::kSelectBatchUp);
  if (!select) return select.error();
  for (const Span& span : spans_) {
    const Result<bool> row = select->BindInt(1, span.first).BindInt(2, span.last).Step();
    if (!row) return row.error();
    if (*row) return select->Int(0);
    select->Reset();
  }
  return 0;
}

}  // namespace edgetwin::history
