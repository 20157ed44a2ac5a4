// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace edgetwin::sync {
namespace {

using model::Side;
using model::ValueType;

void Put(std::string& to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i) & 0xff);
}

void Put(std::string& to, std::string_view text) {
  Put(to, text.size(), 4);
  to += text;
}

void Put(std::string& to, const model::Value& value) {
  Put(to, static_cast<std::uint64_t>(value.type()), 1);
  switch (value.type()) {
    case ValueType::kNone: return;
    case ValueType::kBool: return Put(to, value.boolean() ? 1 : 0, 1);
    case ValueType::kInt: return Put(to, static_cast<std::uint64_t>(value.integer()), 8);
    case ValueType::kDouble: return Put(to, std::bit_cast<std::uint64_t>(value.real()), 8);
    case ValueType::kString: return Put(to, value.text());
    case ValueType::kBytes: return Put(to, value.bytes().data);
  }
}

}  // namespace

void AppendCanonical(std::string& bytes, model::Pid pid, Side side, const model::Row& row,
                     std::string_view path) {
  Put(bytes, pid, 4);
  if (pid == 0) Put(bytes, path);
  Put(bytes, static_cast<std::uint64_t>(side), 1);
  Put(bytes, row.dot.inc, 8);
  Put(bytes, row.dot.seq, 8);
  Put(bytes, row.value);
  Put(bytes, static_cast<std::uint64_t>(row.time.time_since_epoch().count()), 8);
  Put(bytes, static_cast<std::uint64_t>(row.quality), 1);
  Put(bytes, row.unsynced ? 1 : 0, 1);
  if (side == Side::kReported) return;
  const model::ControlInfo& info = row.info();
  Put(bytes, info.refers_to.inc, 8);
  Put(bytes, info.refers_to.seq, 8);
  Put(bytes, static_cast<std::uint64_t>(info.state), 1);
  Put(bytes, static_cast<std::uint64_t>(info.until.time_since_epoch().count()), 8);
  Put(bytes, info.note);
}

Digest RowDigest(model::Pid pid, Side side, const model::Row& row, std::string_view path) {
  std::string bytes;
  AppendCanonical(bytes, pid, side, row, path);
  return {XXH64(bytes.data(), bytes.size(), 0), XXH64(bytes.data(), bytes.size(), 1)};
}

namespace {

// What a device has given no number though it knows the property: that is local-only, and what the
// device says of it stays there. What the cloud wants of it is held all the same. A reported row
// without a number is of a property that no driver knows any more: it is not sent again.
bool Withheld(const model::Twin& twin, model::PropertyId id, Side side) {
  if (twin.pid(id) != 0 || side == Side::kDesired) return false;
  return side == Side::kReported || (twin.role() == model::Role::kDevice && twin.defined(id));
}

Digest DigestAt(const model::Twin& twin, model::PropertyId id, Side side, const model::Row& row) {
  return RowDigest(twin.pid(id), side, row, twin.def(id).path.text());
}

}  // namespace

Digest DigestOf(const model::Twin& twin, model::Stream stream, model::Role writer,
                const std::function<bool(model::PropertyId)>& shared,
                std::span<const model::Pid> except) {
  Digest sum;
  twin.ForEachProperty([&](model::PropertyId id) {
    if (shared && !shared(id)) return;
    if (std::ranges::binary_search(except, twin.pid(id))) return;
    for (const Side side : model::kEverySide) {
      const bool by_cloud = side == Side::kDesired;
      if (by_cloud != (writer == model::Role::kCloud) || model::StreamOf(side) != stream) continue;
      const model::Row* row = twin.row(id, side);
      if (row != nullptr && !Withheld(twin, id, side)) sum += DigestAt(twin, id, side, *row);
    }
  });
  return sum;
}

Digest UnnumberedDigest(const model::Twin& twin,
                        const std::function<bool(model::PropertyId)>& shared) {
  Digest sum;
  twin.ForEachProperty([&](model::PropertyId id) {
    if (twin.pid(id) != 0) return;
    for (const Side side : model::kEverySide) {
      const model::Row* row = twin.row(id, side);
      if (row == nullptr || Withheld(twin, id, side)) continue;
      if (side == Side::kDesired && shared && !shared(id)) continue;
      sum += DigestAt(twin, id, side, *row);
    }
  });
  return sum;
}

}  // namespace edgetwin::sync
