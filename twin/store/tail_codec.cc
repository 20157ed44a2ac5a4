// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tail_codec.h"

#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "twin/base/zstd.h"
#include "twin/store/tail_bytes.h"
#include "twin/store/tail_sections.h"

namespace edgetwin::store {
namespace {

using model::ControlInfo;
using model::Row;
using model::RowChange;

constexpr int kQualityShift = 4;
constexpr std::uint8_t kUnsynced = 0x40;
constexpr std::uint8_t kHasControl = 0x80;
constexpr std::size_t kCheckBytes = 4;

// A shorter record takes a page of the WAL either way.
constexpr std::size_t kPackedMin = 256;
// What a hostile record may grow to.
constexpr std::size_t kPackedRatioMax = 16;
// Numbers that count up, and bytes that repeat: higher levels find no more.
constexpr int kZstdLevel = 1;

std::uint64_t KeyOf(const RowChange& change) {
  return std::uint64_t{model::Index(change.id)} * model::kSides +
         static_cast<std::uint64_t>(change.side);
}

std::uint8_t KindOf(const Row& row, std::int8_t declared) {
  return static_cast<std::uint8_t>(
      FormOf(row.value, declared) | static_cast<unsigned>(row.quality) << kQualityShift |
      (row.unsynced ? kUnsynced : 0u) | (row.control ? kHasControl : 0u));
}

void WriteControl(Writer& out, const ControlInfo& info) {
  out.Fixed(info.refers_to.inc, 8);
  out.Varint(info.refers_to.seq);
  out.Byte(static_cast<std::uint8_t>(info.state));
  out.Time(info.until);
  out.Text(info.note);
}

std::shared_ptr<const ControlInfo> ReadControl(Reader& in) {
  auto info = std::make_shared<ControlInfo>();
  info->refers_to.inc = in.Fixed(8);
  info->refers_to.seq = in.Varint();
  info->state = in.Enum(model::DesiredState::kUnknownPath);
  info->until = in.Time();
  info->note = in.Text();
  return info;
}

// Ascending by key, one change a row: the last.
std::vector<const RowChange*> Ordered(const std::vector<RowChange>& rows) {
  std::vector<const RowChange*> ordered;
  ordered.reserve(rows.size());
  for (const RowChange& change : rows) ordered.push_back(&change);
  std::ranges::stable_sort(ordered, {}, [](const RowChange* change) { return KeyOf(*change); });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    if (i + 1 < ordered.size() && KeyOf(*ordered[i]) == KeyOf(*ordered[i + 1])) continue;
    ordered[kept++] = ordered[i];
  }
  ordered.resize(kept);
  return ordered;
}

void WriteIncs(Writer& out, const std::vector<const RowChange*>& rows) {
  // Two in practice: ours, and the cloud's in desired rows.
  std::vector<std::uint64_t> incs;
  std::vector<std::size_t> indexes;
  indexes.reserve(rows.size());
  for (const RowChange* change : rows) {
    const auto found = std::ranges::find(incs, change->row.dot.inc);
    indexes.push_back(static_cast<std::size_t>(found - incs.begin()));
    if (found == incs.end()) incs.push_back(change->row.dot.inc);
  }
  out.Varint(incs.size());
  for (const std::uint64_t inc : incs) out.Fixed(inc, 8);
  if (incs.size() == 1) return;
  for (const std::size_t index : indexes) out.Varint(index);
}

void WriteRuns(Writer& out, const std::vector<std::uint8_t>& kinds) {
  for (std::size_t i = 0; i < kinds.size();) {
    std::size_t end = i + 1;
    while (end < kinds.size() && kinds[end] == kinds[i]) ++end;
    out.Byte(kinds[i]);
    out.Varint(end - i);
    i = end;
  }
}

void WriteRows(Writer& out, const std::vector<const RowChange*>& rows,
               std::span<const std::int8_t> decimals) {
  std::uint64_t key = 0;
  for (const RowChange* change : rows)
    out.Varint(KeyOf(*change) - std::exchange(key, KeyOf(*change)));
  WriteIncs(out, rows);
  std::uint64_t seq = 0;
  for (const RowChange* change : rows) out.Delta(change->row.dot.seq, seq);
  std::uint64_t time = 0;
  for (const RowChange* change : rows) out.TimeDelta(change->row.time, time);
  std::vector<std::uint8_t> kinds;
  kinds.reserve(rows.size());
  for (const RowChange* change : rows) {
    const std::uint32_t index = model::Index(change->id);
    kinds.push_back(
        KindOf(change->row, index < decimals.size() ? decimals[index] : kUnknownDecimals));
  }
  WriteRuns(out, kinds);
  for (std::size_t i = 0; i < rows.size(); ++i)
    WriteValue(out, rows[i]->row.value, kinds[i] & kFormMask);
  for (const RowChange* change : rows) {
    if (change->row.control) WriteControl(out, *change->row.control);
  }
}

void ReadKeys(Reader& in, std::vector<RowChange>& rows) {
  const std::uint64_t kKeyMax = std::uint64_t{model::Index(model::kNoProperty)} * model::kSides;
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t step = in.Varint();
    if (step >= kKeyMax || (step == 0 && i != 0)) return in.Fail();
    key += step;
    if (key >= kKeyMax) return in.Fail();
    rows[i].id = model::PropertyId(key / model::kSides);
    rows[i].side = static_cast<model::Side>(key % model::kSides);
  }
}

void ReadIncs(Reader& in, std::vector<RowChange>& rows) {
  const std::uint64_t count = in.Varint();
  if (count == 0 || count > rows.size() || count > in.left() / 8) return in.Fail();
  std::vector<std::uint64_t> incs;
  for (std::uint64_t i = 0; i < count; ++i) incs.push_back(in.Fixed(8));
  for (RowChange& change : rows) {
    const std::uint64_t index = count == 1 ? 0 : in.Varint();
    if (index >= count) return in.Fail();
    change.row.dot.inc = incs[static_cast<std::size_t>(index)];
  }
}

std::vector<std::uint8_t> ReadRuns(Reader& in, std::size_t count) {
  std::vector<std::uint8_t> kinds;
  kinds.reserve(count);
  while (kinds.size() < count && !in.failed()) {
    const std::uint8_t kind = in.Byte();
    const std::uint64_t length = in.Varint();
    if (length == 0 || length > count - kinds.size()) in.Fail();
    if (!in.failed()) kinds.insert(kinds.end(), static_cast<std::size_t>(length), kind);
  }
  return kinds;
}

void ReadRows(Reader& in, std::vector<RowChange>& rows) {
  ReadKeys(in, rows);
  ReadIncs(in, rows);
  std::uint64_t seq = 0;
  for (RowChange& change : rows) change.row.dot.seq = in.Delta(seq);
  std::uint64_t time = 0;
  for (RowChange& change : rows) change.row.time = in.TimeDelta(time);
  const std::vector<std::uint8_t> kinds = ReadRuns(in, rows.size());
  if (in.failed()) return;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i].row;
    row.quality = static_cast<model::Quality>(kinds[i] >> kQualityShift & 3);
    row.unsynced = (kinds[i] & kUnsynced) != 0;
    row.value = ReadValue(in, kinds[i] & kFormMask);
  }
  for (std::size_t i = 0; i < rows.size() && !in.failed(); ++i) {
    if ((kinds[i] & kHasControl) != 0) rows[i].row.control = ReadControl(in);
  }
}

// The counters that a record may hold, in the order of their bits; `use` gets each.
template <class Batch, class Use>
void ForEachCounter(Batch& batch, Use use) {
  use(batch.seq_limit);
  use(batch.state_durable);
  for (std::size_t s = 0; s < model::kStreams; ++s) use(batch.peer_watermark[s]);
  use(batch.events_acked);
  use(batch.seq_floor);
  use(batch.events_floor);
}
constexpr unsigned kCounters = 5 + model::kStreams;

// Nothing where it would not be shorter.
std::optional<Writer> Packed(std::string_view record) {
  if (record.size() < kPackedMin) return {};
  const std::string_view content = record.substr(1);
  const std::optional<std::string> frame = ZstdPack(content, kZstdLevel);
  if (!frame || content.size() > frame->size() * kPackedRatioMax) return {};
  Writer out;
  out.Byte(kTailPacked);
  out.Varint(content.size());
  out.Raw(*frame);
  if (out.size() >= record.size()) return {};
  return out;
}

// Nothing when it isn't one.
std::optional<std::string> Unpacked(Reader in) {
  const std::uint64_t size = in.Varint();
  if (size > in.left() * kPackedRatioMax) return {};
  std::string content(static_cast<std::size_t>(size), '\0');
  if (in.failed() || !ZstdUnpack(in.Raw(in.left()), content)) return {};
  return content;
}

}  // namespace

std::string EncodeTail(const model::Batch& batch, std::span<const std::int8_t> decimals) {
  Writer out;
  out.Byte(kTailFormat);
  std::uint64_t flags = 0;
  unsigned bit = 0;
  ForEachCounter(batch, [&](const std::optional<std::uint64_t>& counter) {
    flags |= std::uint64_t{counter.has_value()} << bit++;
  });
  flags |= SectionsOf(batch) << kCounters;
  out.Varint(flags);
  ForEachCounter(batch, [&](const std::optional<std::uint64_t>& counter) {
    if (counter) out.Varint(*counter);
  });
  const std::vector<const RowChange*> rows = Ordered(batch.rows);
  out.Varint(rows.size());
  if (!rows.empty()) WriteRows(out, rows, decimals);
  WriteSections(out, batch, decimals);
  if (std::optional<Writer> packed = Packed(out.bytes())) out = *std::move(packed);
  const std::uint32_t check = XXH32(out.bytes().data(), out.bytes().size(), 0);
  out.Fixed(check, kCheckBytes);
  return std::move(out).Take();
}

bool HoldsTail(const model::Batch& batch) {
  bool holds = !batch.rows.empty() || SectionsOf(batch) != 0;
  ForEachCounter(batch, [&](const std::optional<std::uint64_t>& counter) {
    holds = holds || counter.has_value();
  });
  return holds;
}

Result<model::Batch> DecodeTail(std::string_view record) {
  if (record.size() < kCheckBytes) return Corrupt("a tail record of fewer than 4 bytes");
  const std::string_view content = record.substr(0, record.size() - kCheckBytes);
  Reader check(record.substr(content.size()));
  if (check.Fixed(kCheckBytes) != XXH32(content.data(), content.size(), 0)) {
    return Corrupt("a tail record's check sum doesn't match");
  }
  Reader in(content);
  const std::uint8_t format = in.Byte();
  std::optional<std::string> unpacked;
  if (format == kTailPacked) {
    unpacked = Unpacked(in);
    if (!unpacked) return Corrupt("a tail record can't be unpacked");
    in = Reader(*unpacked);
  } else if (format != kTailFormat) {
    return Corrupt("a tail record of the unknown format " + std::to_string(format));
  }
  model::Batch batch;
  const std::uint64_t flags = in.Varint();
  unsigned bit = 0;
  ForEachCounter(batch, [&](std::optional<std::uint64_t>& counter) {
    if ((flags >> bit++ & 1) != 0) counter = in.Varint();
  });
  // A row takes at least a byte of key, seq and time each.
  if (const std::size_t count = in.Count(3); count > 0) {
    batch.rows.resize(count);
    ReadRows(in, batch.rows);
  }
  ReadSections(in, flags >> kCounters, batch);
  if (in.failed() || in.left() != 0) return Corrupt("a tail record's content doesn't add up");
  return batch;
}

}  // namespace edgetwin::store
