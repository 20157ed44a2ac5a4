// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tail_codec.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace edgetwin::store {
namespace {

using model::ControlInfo;
using model::Row;
using model::RowChange;
using model::Value;
using model::ValueType;

enum Form : std::uint8_t {
  kNone = 0,
  kFalse = 1,
  kTrue = 2,
  kInt = 3,
  kRaw = 4,
  kText = 5,
  kScaled = 6
};
constexpr std::uint8_t kFormMask = 0x0f;
constexpr int kQualityShift = 4;
constexpr std::uint8_t kUnsynced = 0x40;
constexpr std::uint8_t kHasControl = 0x80;
constexpr std::size_t kCheckBytes = 4;
constexpr int kDecimalsTried = 4;

static_assert(kScaled + model::kDecimalsMax <= kFormMask);

std::uint64_t KeyOf(const RowChange& change) {
  return std::uint64_t{model::Index(change.id)} * model::kSides +
         static_cast<std::uint64_t>(change.side);
}

std::uint64_t ZigZag(std::uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
std::uint64_t UnZigZag(std::uint64_t coded) {
  return coded >> 1 ^ (0 - (coded & 1));
}

class Writer {
 public:
  void Byte(std::uint8_t byte) { out_ += static_cast<char>(byte); }
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<std::uint8_t>(value | 0x80));
    Byte(static_cast<std::uint8_t>(value));
  }
  void Signed(std::int64_t value) { Varint(ZigZag(static_cast<std::uint64_t>(value))); }
  void Fixed(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) Byte(static_cast<std::uint8_t>(value >> 8 * i));
  }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  // What lies `step` apart is small: the difference, either way around the 64-bit circle.
  void Delta(std::uint64_t value, std::uint64_t& before) {
    Varint(ZigZag(value - std::exchange(before, value)));
  }

  std::string Finish() && {
    Fixed(XXH32(out_.data(), out_.size(), 0), kCheckBytes);
    return std::move(out_);
  }

 private:
  std::string out_;
};

// Reads the same; the first thing that doesn't fit makes it fail for good, and everything after is
// 0.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  bool failed() const { return failed_; }
  std::size_t left() const { return in_.size(); }
  void Fail() {
    failed_ = true;
    in_ = {};
  }

  std::uint8_t Byte() {
    if (in_.empty()) {
      Fail();
      return 0;
    }
    const char byte = in_.front();
    in_.remove_prefix(1);
    return static_cast<std::uint8_t>(byte);
  }
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    Fail();
    return 0;
  }
  std::int64_t Signed() { return static_cast<std::int64_t>(UnZigZag(Varint())); }
  std::uint64_t Fixed(int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint64_t{Byte()} << 8 * i;
    return value;
  }
  std::string_view Raw(std::uint64_t size) {
    if (size > in_.size()) {
      Fail();
      return {};
    }
    const std::string_view bytes = in_.substr(0, static_cast<std::size_t>(size));
    in_.remove_prefix(bytes.size());
    return bytes;
  }
  std::uint64_t Delta(std::uint64_t& before) { return before += UnZigZag(Varint()); }

 private:
  std::string_view in_;
  bool failed_ = false;
};

std::optional<int> DecimalsOf(double value, std::int8_t declared) {
  if (declared >= 0 && model::ScaleExactly(value, declared)) return declared;
  for (int decimals = 0; decimals <= kDecimalsTried; ++decimals) {
    if (model::ScaleExactly(value, decimals)) return decimals;
  }
  return {};
}

std::uint8_t FormOf(const Value& value, std::int8_t declared) {
  switch (value.type()) {
    case ValueType::kNone: return kNone;
    case ValueType::kBool: return value.boolean() ? kTrue : kFalse;
    case ValueType::kInt: return kInt;
    case ValueType::kDouble: {
      const std::optional<int> decimals = DecimalsOf(value.real(), declared);
      return decimals ? static_cast<std::uint8_t>(kScaled + *decimals) : std::uint8_t{kRaw};
    }
    case ValueType::kString:
    case ValueType::kBytes: return kText;
  }
  return kNone;
}

std::uint8_t KindOf(const Row& row, std::int8_t declared) {
  return static_cast<std::uint8_t>(
      FormOf(row.value, declared) | static_cast<unsigned>(row.quality) << kQualityShift |
      (row.unsynced ? kUnsynced : 0u) | (row.control ? kHasControl : 0u));
}

void WriteValue(Writer& out, const Value& value, std::uint8_t form) {
  switch (form) {
    case kNone:
    case kFalse:
    case kTrue: return;
    case kInt: return out.Signed(value.integer());
    case kRaw: return out.Fixed(std::bit_cast<std::uint64_t>(value.real()), 8);
    case kText: {
      const bool is_bytes = value.type() == ValueType::kBytes;
      const std::string& data = is_bytes ? value.bytes().data : value.text();
      out.Varint(std::uint64_t{data.size()} << 1 | (is_bytes ? 1u : 0u));
      return out.Raw(data);
    }
    default: return out.Signed(*model::ScaleExactly(value.real(), form - kScaled));
  }
}

Value ReadValue(Reader& in, std::uint8_t form) {
  switch (form) {
    case kNone: return Value();
    case kFalse: return Value(false);
    case kTrue: return Value(true);
    case kInt: return Value(in.Signed());
    case kRaw: return Value(std::bit_cast<double>(in.Fixed(8)));
    case kText: {
      const std::uint64_t head = in.Varint();
      std::string data(in.Raw(head >> 1));
      return (head & 1) != 0 ? Value(model::Bytes{std::move(data)}) : Value(std::move(data));
    }
    default: return Value(model::Unscale(in.Signed(), form - kScaled));
  }
}

void WriteControl(Writer& out, const ControlInfo& info) {
  out.Fixed(info.refers_to.inc, 8);
  out.Varint(info.refers_to.seq);
  out.Byte(static_cast<std::uint8_t>(info.state));
  out.Signed(info.until.time_since_epoch().count());
  out.Varint(info.note.size());
  out.Raw(info.note);
}

std::shared_ptr<const ControlInfo> ReadControl(Reader& in) {
  auto info = std::make_shared<ControlInfo>();
  info->refers_to.inc = in.Fixed(8);
  info->refers_to.seq = in.Varint();
  const std::uint8_t state = in.Byte();
  if (state > static_cast<std::uint8_t>(model::DesiredState::kUnknownPath)) in.Fail();
  info->state = static_cast<model::DesiredState>(state);
  info->until = WallTime(std::chrono::milliseconds(in.Signed()));
  info->note = in.Raw(in.Varint());
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
  for (const RowChange* change : rows) {
    out.Delta(static_cast<std::uint64_t>(change->row.time.time_since_epoch().count()), time);
  }
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
  for (RowChange& change : rows) {
    change.row.time =
        WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(in.Delta(time))));
  }
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

}  // namespace

std::string EncodeTail(const model::Batch& batch, std::span<const std::int8_t> decimals) {
  Writer out;
  out.Byte(kTailFormat);
  std::vector<std::uint64_t> counters;
  unsigned flags = 0;
  const auto add = [&](const std::optional<std::uint64_t>& counter, unsigned bit) {
    if (!counter) return;
    flags |= 1u << bit;
    counters.push_back(*counter);
  };
  add(batch.seq_limit, 0);
  add(batch.state_durable, 1);
  for (unsigned s = 0; s < model::kStreams; ++s) add(batch.peer_watermark[s], 2 + s);
  out.Byte(static_cast<std::uint8_t>(flags));
  for (const std::uint64_t counter : counters) out.Varint(counter);
  const std::vector<const RowChange*> rows = Ordered(batch.rows);
  out.Varint(rows.size());
  if (!rows.empty()) WriteRows(out, rows, decimals);
  return std::move(out).Finish();
}

Result<model::Batch> DecodeTail(std::string_view record) {
  if (record.size() < kCheckBytes) return Corrupt("a tail record of fewer than 4 bytes");
  const std::string_view content = record.substr(0, record.size() - kCheckBytes);
  Reader check(record.substr(content.size()));
  if (check.Fixed(kCheckBytes) != XXH32(content.data(), content.size(), 0)) {
    return Corrupt("a tail record's check sum doesn't match");
  }
  Reader in(content);
  if (const std::uint8_t format = in.Byte(); format != kTailFormat) {
    return Corrupt("a tail record of the unknown format " + std::to_string(format));
  }
  model::Batch batch;
  const unsigned flags = in.Byte();
  const auto take = [&](std::optional<std::uint64_t>& counter, unsigned bit) {
    if ((flags >> bit & 1) != 0) counter = in.Varint();
  };
  take(batch.seq_limit, 0);
  take(batch.state_durable, 1);
  for (unsigned s = 0; s < model::kStreams; ++s) take(batch.peer_watermark[s], 2 + s);
  if (flags >> (2 + model::kStreams) != 0) in.Fail();
  const std::uint64_t count = in.Varint();
  // A row takes at least a byte of key, seq and time each.
  if (count > in.left() / 3) in.Fail();
  if (!in.failed() && count > 0) {
    batch.rows.resize(static_cast<std::size_t>(count));
    ReadRows(in, batch.rows);
  }
  if (in.failed() || in.left() != 0) return Corrupt("a tail record's content doesn't add up");
  return batch;
}

}  // namespace edgetwin::store
