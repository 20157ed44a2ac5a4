// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/entries.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "sync/codec/utf8.h"
#include "twin/base/check.h"

namespace edgetwin::sync {
namespace {

using model::Stream;
using model::ValueType;

std::uint64_t& Of(Watermarks& marks, Stream stream) {
  return marks[static_cast<std::size_t>(stream)];
}
std::uint64_t Of(const Watermarks& marks, Stream stream) {
  return marks[static_cast<std::size_t>(stream)];
}

constexpr std::uint64_t kSeqMax = std::numeric_limits<std::uint64_t>::max();

// By v1::Property::Type, whose 0 is what most properties are.
constexpr std::array<ValueType, 6> kTypes = {ValueType::kDouble, ValueType::kBool,
                                             ValueType::kInt,    ValueType::kString,
                                             ValueType::kBytes,  ValueType::kNone};

v1::Property::Type WireType(ValueType type) {
  std::size_t i = 0;
  while (kTypes[i] != type) ++i;
  return static_cast<v1::Property::Type>(i);
}

// Whether one of the first `count` has this inc.
bool Contains(const model::Lineage& lineage, std::size_t count, std::uint64_t inc) {
  for (std::size_t i = 0; i < count; ++i) {
    if (lineage[i].inc == inc) return true;
  }
  return false;
}

void EncodeProperty(const model::PropertyDef& def, v1::Property& out) {
  out.set_path(def.path.text());
  out.set_type(WireType(def.type));
  out.set_unit(def.unit);
  if (def.decimals) out.set_decimals(static_cast<std::uint32_t>(*def.decimals));
  out.set_writable(def.writable);
  if (def.min) out.set_min(*def.min);
  if (def.max) out.set_max(*def.max);
  out.set_description(def.description);
}

Result<model::PropertyDef> DecodeProperty(v1::Property& in) {
  // First, so that no error text quotes what is not text.
  if (!IsUtf8(in.path()) || !IsUtf8(in.unit()) || !IsUtf8(in.description())) {
    return Invalid("a dictionary entry's path, unit or description is not UTF-8");
  }
  Result<model::Path> path = model::Path::Parse(in.path());
  if (!path) return path.error();
  model::PropertyDef def;
  def.path = std::move(*path);
  if (!v1::Property::Type_IsValid(in.type())) {
    return Invalid("no type " + std::to_string(in.type()) + " is known");
  }
  def.type = kTypes[static_cast<std::size_t>(in.type())];
  def.unit = std::move(*in.mutable_unit());
  // Out of an int's range it is out of Check's, too.
  constexpr std::uint32_t kTooMany = model::kDecimalsMax + 1;
  if (in.has_decimals()) def.decimals = static_cast<int>(std::min(in.decimals(), kTooMany));
  def.writable = in.writable();
  if (in.has_min()) def.min = in.min();
  if (in.has_max()) def.max = in.max();
  def.description = std::move(*in.mutable_description());
  if (const Status ok = model::Check(def); !ok) return ok.error();
  return def;
}

}  // namespace

void EncodeLineage(const model::Lineage& lineage, Incarnations& out) {
  EDGETWIN_CHECK(!lineage.empty() && lineage.size() <= model::kLineageMax);
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < lineage.size(); ++i) {
    const model::Incarnation& one = lineage[i];
    EDGETWIN_CHECK(one.inc != 0 && !Contains(lineage, i, one.inc));
    EDGETWIN_CHECK(one.first_seq > before && one.limit >= one.first_seq - 1);
    v1::Incarnation& added = *out.Add();
    added.set_inc(one.inc);
    added.set_skipped(one.first_seq - 1 - before);
    added.set_count(one.limit - (one.first_seq - 1));
    added.set_kept(one.kept);
    before = one.limit;
  }
}

Result<model::Lineage> DecodeLineage(const Incarnations& incarnations) {
  const auto count = static_cast<std::size_t>(incarnations.size());
  if (count == 0) return Invalid("a lineage of no incarnation");
  if (count > model::kLineageMax) {
    return Exhausted("a lineage of " + std::to_string(count) + " incarnations is longer than " +
                     std::to_string(model::kLineageMax));
  }
  model::Lineage lineage;
  std::uint64_t before = 0;
  for (const v1::Incarnation& in : incarnations) {
    if (in.inc() == 0) return Invalid("an incarnation of 0");
    if (Contains(lineage, lineage.size(), in.inc()))
      return Invalid("an incarnation is listed twice");
    if (before == kSeqMax || in.skipped() > kSeqMax - before - 1) {
      return Invalid("an incarnation begins beyond the last seq");
    }
    const std::uint64_t first = before + 1 + in.skipped();
    if (in.count() > kSeqMax - (first - 1))
      return Invalid("an incarnation ends beyond the last seq");
    before = first - 1 + in.count();
    lineage.push_back({in.inc(), first, before, in.kept()});
  }
  return lineage;
}

void EncodeMarks(const Watermarks& marks, v1::Marks* out) {
  out->set_control(Of(marks, Stream::kControl));
  out->set_state(Of(marks, Stream::kState));
  out->set_events(Of(marks, Stream::kEvents));
  out->set_history(Of(marks, Stream::kHistory));
}

Watermarks DecodeMarks(const v1::Marks& marks) {
  Watermarks result{};
  Of(result, Stream::kControl) = marks.control();
  Of(result, Stream::kState) = marks.state();
  Of(result, Stream::kEvents) = marks.events();
  Of(result, Stream::kHistory) = marks.history();
  return result;
}

void EncodeLadder(const std::vector<ChainMark>& ladder, ChainMarks& out) {
  EDGETWIN_CHECK(ladder.size() <= kLadderMax);
  for (std::size_t i = 0; i < ladder.size(); ++i) {
    EDGETWIN_CHECK(i == 0 || ladder[i].n > ladder[i - 1].n);
    v1::ChainMark& mark = *out.Add();
    mark.set_n(ladder[i].n);
    mark.set_chain(ladder[i].chain);
  }
}

Result<std::vector<ChainMark>> DecodeLadder(const ChainMarks& in) {
  if (static_cast<std::size_t>(in.size()) > kLadderMax) {
    return Exhausted("a ladder of " + std::to_string(in.size()) + " marks is longer than " +
                     std::to_string(kLadderMax));
  }
  std::vector<ChainMark> ladder;
  for (const v1::ChainMark& mark : in) {
    if (!ladder.empty() && mark.n() <= ladder.back().n) {
      return Invalid("the marks of a ladder do not ascend");
    }
    ladder.push_back({mark.n(), mark.chain()});
  }
  return ladder;
}

void EncodeEntries(const DictionaryFrame& frame, v1::Dictionary& out) {
  EDGETWIN_CHECK(frame.first != 0 && frame.entries.size() <= kFrameEntriesMax);
  out.set_first(frame.first);
  for (std::size_t i = 0; i < frame.entries.size(); ++i) {
    const model::DictionaryEntry& entry = frame.entries[i];
    EDGETWIN_CHECK(entry.pid == frame.first + i);
    v1::Property& added = *out.add_entries();
    if (entry.withdraws == 0) {
      EncodeProperty(entry.def, added);
    } else {
      EDGETWIN_CHECK(entry.withdraws < entry.pid);
      added.set_withdraws(entry.withdraws);
    }
  }
  if (!frame.entries.empty()) out.set_chain(frame.entries.back().chain);
}

Result<DictionaryFrame> DecodeEntries(v1::Dictionary& in) {
  const auto count = static_cast<std::size_t>(in.entries_size());
  if (count > kFrameEntriesMax) {
    return Exhausted(std::to_string(count) + " dictionary entries are more than " +
                     std::to_string(kFrameEntriesMax));
  }
  constexpr model::Pid kPidMax = std::numeric_limits<model::Pid>::max();
  if (in.first() == 0 || in.first() > kPidMax - count) {
    return Invalid("dictionary entries can't begin at pid " + std::to_string(in.first()));
  }
  DictionaryFrame frame;
  frame.first = in.first();
  frame.entries.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    v1::Property& property = *in.mutable_entries(static_cast<int>(i));
    model::DictionaryEntry& entry = frame.entries[i];
    entry.pid = frame.first + static_cast<model::Pid>(i);
    if (property.withdraws() != 0) {
      if (property.withdraws() >= entry.pid) {
        return Invalid("entry " + std::to_string(entry.pid) + " can't withdraw " +
                       std::to_string(property.withdraws()));
      }
      if (!property.path().empty()) return Invalid("an entry that withdraws has a path");
      entry.withdraws = property.withdraws();
      continue;
    }
    Result<model::PropertyDef> def = DecodeProperty(property);
    if (!def) return def.error();
    entry.def = std::move(*def);
  }
  if (count > 0) frame.entries.back().chain = in.chain();
  return frame;
}

}  // namespace edgetwin::sync
