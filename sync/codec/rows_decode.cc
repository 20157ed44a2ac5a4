// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <bit>
#include <optional>
#include <string>
#include <utility>

#include "sync/codec/columns.h"
#include "sync/codec/rows.h"
#include "sync/codec/shapes.h"
#include "sync/codec/texts.h"
#include "sync/codec/utf8.h"
#include "twin/model/path.h"

namespace edgetwin::sync {
namespace {

using model::Side;

constexpr std::int64_t kScaledMax = std::int64_t{1} << 53;

Error TooManyRows() {
  return Exhausted("a frame of more than " + std::to_string(kFrameRowsMax) + " rows");
}

// How many entries of the value columns the shapes take, and the rows in all.
struct Shares {
  std::uint64_t rows = 0;
  std::uint64_t numbers = 0;
  std::uint64_t reals = 0;
  std::uint64_t texts = 0;

  std::uint64_t* Of(std::uint64_t shape) {
    switch (shape) {
      case v1::SHAPE_NONE: return nullptr;
      case v1::SHAPE_DOUBLE: return &reals;
      case v1::SHAPE_STRING:
      case v1::SHAPE_BYTES: return &texts;
      default: return &numbers;
    }
  }
};

// The number of rows; the value columns hold just what they need.
Result<std::size_t> CountRows(const v1::Frame& frame) {
  Shares shares;
  for (const std::uint64_t run : frame.shape_runs()) {
    const std::uint64_t length = run >> kShapeBits;
    if (length == 0) return Invalid("a run of shapes is empty");
    if (length > kFrameRowsMax - shares.rows) return TooManyRows();
    shares.rows += length;
    if (std::uint64_t* share = shares.Of(run & (kShapes - 1))) *share += length;
  }
  const auto rest = static_cast<std::uint64_t>(frame.shape());
  if (rest >= kShapes) return Invalid("no shape " + std::to_string(rest) + " is known");
  Shares held;
  held.numbers = static_cast<std::uint64_t>(frame.numbers_size());
  held.reals = static_cast<std::uint64_t>(frame.reals_size());
  held.texts = static_cast<std::uint64_t>(frame.texts_size());
  std::uint64_t* const last = shares.Of(rest);
  if (last != nullptr && *held.Of(rest) > *last) {
    const std::uint64_t length = *held.Of(rest) - *last;
    if (length > kFrameRowsMax - shares.rows) return TooManyRows();
    shares.rows += length;
    *last += length;
  }
  if (shares.numbers != held.numbers || shares.reals != held.reals || shares.texts != held.texts) {
    return Invalid("the shapes of " + std::to_string(shares.rows) +
                   " rows do not fit the columns of values");
  }
  return static_cast<std::size_t>(shares.rows);
}

std::string_view NameOf(RowsOf which) {
  switch (which) {
    case RowsOf::kNothing: break;
    case RowsOf::kState: return "in the state stream";
    case RowsOf::kControl: return "in the control stream";
    case RowsOf::kDevice: return "among what the device wrote";
    case RowsOf::kCloud: return "among what the cloud wrote";
  }
  return "among no rows";
}

// Control columns are read before there is a row to keep them.
using Infos = std::vector<model::ControlInfo>;
using Places = std::vector<std::size_t>;  // Of some of the rows.

class RowsDecoder {
 public:
  RowsDecoder(v1::Frame& frame, std::size_t rows) : frame_(frame), rows_(rows) {}

  std::vector<WireRow>& rows() { return rows_; }

  Status Sides(RowsOf which) {
    if (which == RowsOf::kNothing && !rows_.empty()) {
      return Invalid("the event and history streams have no rows of the twin");
    }
    const auto rest = static_cast<std::uint64_t>(frame_.side());
    if (!rows_.empty() && rest >> kSideBits != 0) {
      return Invalid("no side " + std::to_string(frame_.side()) + " is known for a row");
    }
    if (const Status ok = CheckCodes("side", frame_.side_runs(), kSideBits, rows_.size()); !ok) {
      return ok;
    }
    CodeReader sides(frame_.side_runs(), kSideBits, rest);
    for (WireRow& row : rows_) {
      row.side = static_cast<Side>(sides.Next());
      if (Allows(which, row.side)) continue;
      return Invalid("side " + std::string(ToString(row.side)) + " " + std::string(NameOf(which)));
    }
    return {};
  }

  Status Incs() {
    return Spread("incs", frame_.incs(), frame_.inc_runs(), rows_.size(),
                  [&](std::size_t i, std::uint64_t inc) { rows_[i].row.dot.inc = inc; });
  }

  Status Names() {
    const Status ok = CheckSteps("pid", frame_.pid_steps(), frame_.pid_runs(), rows_.size());
    if (!ok) return ok;
    StepReader pids(frame_.pid(), frame_.pid_steps(), frame_.pid_runs(), Inside::kCounted);
    int paths = 0;
    for (WireRow& row : rows_) {
      const std::uint64_t pid = pids.Next();
      row.pid = static_cast<model::Pid>(pid);
      if (row.pid != pid) return Invalid("pid " + std::to_string(pid) + " is out of range");
      if (pid != 0) continue;
      if (paths == frame_.paths_size()) return Invalid("a row has neither a pid nor a path");
      if (const Status path = TakePath(*frame_.mutable_paths(paths++), row); !path) return path;
    }
    if (paths != frame_.paths_size())
      return Invalid("there are more paths than rows without a pid");
    return {};
  }

  Status Values() {
    CodeReader shapes(frame_.shape_runs(), kShapeBits, static_cast<std::uint64_t>(frame_.shape()));
    for (WireRow& row : rows_) {
      const std::uint64_t shape = shapes.Next();
      const bool text = shape == v1::SHAPE_STRING || shape == v1::SHAPE_BYTES;
      if (text) {
        if (const Status ok = TakeText(shape, row); !ok) return ok;
      } else if (shape == v1::SHAPE_DOUBLE) {
        row.row.value = model::Value(std::bit_cast<double>(frame_.reals(next_real_++)));
      } else if (shape != v1::SHAPE_NONE) {
        if (const Status ok = TakeNumber(shape, row); !ok) return ok;
      }
    }
    return {};
  }

  Status Times() {
    const Status ok = CheckSteps("time", frame_.time_steps(), frame_.time_runs(), rows_.size());
    if (!ok) return ok;
    StepReader times(static_cast<std::uint64_t>(frame_.time()), frame_.time_steps(),
                     frame_.time_runs(), Inside::kSame);
    for (WireRow& row : rows_) {
      const std::uint64_t unix_ms = times.Next() + static_cast<std::uint64_t>(kWireEpochMs);
      row.row.time = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(unix_ms)));
    }
    return {};
  }

  Status Flags() {
    const Status ok = CheckCodes("flags", frame_.flag_runs(), kFlagBits, rows_.size());
    if (!ok) return ok;
    if (frame_.flags() >> kFlagBits != 0) {
      return Invalid("no flags " + std::to_string(frame_.flags()) + " are known");
    }
    CodeReader flags(frame_.flag_runs(), kFlagBits, frame_.flags());
    for (WireRow& row : rows_) {
      const std::uint64_t code = flags.Next();
      row.row.quality = static_cast<model::Quality>(code & (kFlagUnsynced - 1));
      row.row.unsynced = (code & kFlagUnsynced) != 0;
    }
    return {};
  }

  Status Control() {
    Places all;  // But reported ones.
    Places statuses;
    Places wanted;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].side == Side::kReported) continue;
      all.push_back(i);
      (rows_[i].side == Side::kStatus ? statuses : wanted).push_back(i);
    }
    Infos infos(rows_.size());
    if (const Status ok = Statuses(statuses, infos); !ok) return ok;
    if (const Status ok = Notes(all, infos); !ok) return ok;
    const Status ok = Spread("untils", frame_.untils(), frame_.until_runs(), wanted.size(),
                             [&](std::size_t i, std::int64_t until_ms) {
                               infos[wanted[i]].until =
                                   WallTime(std::chrono::milliseconds(until_ms));
                             });
    if (!ok) return ok;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (infos[i] == model::ControlInfo()) continue;
      rows_[i].row.control = std::make_shared<const model::ControlInfo>(std::move(infos[i]));
    }
    return {};
  }

 private:
  template <class Column, class Give>
  static Status Spread(std::string_view name, const Column& column, const Unsigneds& runs,
                       std::size_t rows, Give give) {
    const Status ok = CheckSpread(name, static_cast<std::size_t>(column.size()), runs, rows);
    if (!ok || column.empty()) return ok;
    GroupReader groups(runs, false);
    for (std::size_t i = 0; i < rows; ++i) give(i, column[groups.Next().group]);
    return {};
  }

  Status Statuses(const Places& at, Infos& infos) {
    Status ok = CheckSteps("refer", frame_.refer_steps(), frame_.refer_runs(), at.size());
    if (!ok) return ok;
    StepReader refers(frame_.refer(), frame_.refer_steps(), frame_.refer_runs(), Inside::kCounted);
    ok = CheckCodes("state", frame_.state_runs(), kStateBits, at.size());
    if (!ok) return ok;
    const auto rest = static_cast<std::uint64_t>(frame_.state());
    if (rest >> kStateBits != 0) return Invalid("no state " + std::to_string(rest) + " is known");
    CodeReader states(frame_.state_runs(), kStateBits, rest);
    for (const std::size_t i : at) {
      infos[i].refers_to.seq = refers.Next();
      infos[i].state = static_cast<model::DesiredState>(SwapState(states.Next()));
    }
    return Spread("refer_incs", frame_.refer_incs(), frame_.refer_inc_runs(), at.size(),
                  [&](std::size_t i, std::uint64_t inc) { infos[at[i]].refers_to.inc = inc; });
  }

  Status Notes(const Places& at, Infos& infos) {
    for (const std::string& note : frame_.notes()) {
      if (const Status ok = CheckText("a note", note, model::kNoteBytesMax); !ok) return ok;
    }
    return Spread("notes", frame_.notes(), frame_.note_runs(), at.size(),
                  [&](std::size_t i, const std::string& note) { infos[at[i]].note = note; });
  }

  static Status TakePath(std::string& text, WireRow& row) {
    // First, so that no error text quotes what is not text.
    if (!IsUtf8(text)) return Invalid("a path is not UTF-8");
    const Result<model::Path> path = model::Path::Parse(text);
    if (!path) return path.error();
    row.path = std::move(text);
    return {};
  }

  Status TakeText(std::uint64_t shape, WireRow& row) {
    std::string& text = *frame_.mutable_texts(next_text_++);
    if (text.size() > model::kValueBytesMax) {
      return Exhausted("a value of " + std::to_string(text.size()) + " bytes is longer than " +
                       std::to_string(model::kValueBytesMax));
    }
    if (shape == v1::SHAPE_BYTES) {
      row.row.value = model::Value(model::Bytes{std::move(text)});
      return {};
    }
    if (!IsUtf8(text)) return Invalid("a string value is not UTF-8");
    row.row.value = model::Value(std::move(text));
    return {};
  }

  Status TakeNumber(std::uint64_t shape, WireRow& row) {
    const std::int64_t number = frame_.numbers(next_number_++);
    if (shape == v1::SHAPE_INT) {
      row.row.value = model::Value(number);
    } else if (shape == v1::SHAPE_BOOL) {
      if (number != 0 && number != 1) return Invalid(std::to_string(number) + " is not a bool");
      row.row.value = model::Value(number == 1);
    } else {
      if (number >= kScaledMax || number <= -kScaledMax) {
        return Invalid(std::to_string(number) + " is too large for a scaled double");
      }
      row.row.value = model::Value(model::Unscale(number, DecimalsOf(shape)));
    }
    return {};
  }

  v1::Frame& frame_;
  std::vector<WireRow> rows_;
  int next_number_ = 0;
  int next_real_ = 0;
  int next_text_ = 0;
};

}  // namespace

Result<std::vector<WireRow>> DecodeRows(RowsOf which, v1::Frame& frame) {
  const Result<std::size_t> count = CountRows(frame);
  if (!count) return count.error();
  RowsDecoder decoder(frame, *count);
  if (const Status ok = decoder.Sides(which); !ok) return ok.error();
  if (const Status ok = decoder.Incs(); !ok) return ok.error();
  if (const Status ok = decoder.Names(); !ok) return ok.error();
  if (const Status ok = decoder.Values(); !ok) return ok.error();
  if (const Status ok = decoder.Times(); !ok) return ok.error();
  if (const Status ok = decoder.Flags(); !ok) return ok.error();
  if (which != RowsOf::kState && which != RowsOf::kNothing) {
    if (const Status ok = decoder.Control(); !ok) return ok.error();
  }
  return std::move(decoder.rows());
}

Result<std::uint64_t> DecodeSeqs(std::uint64_t to, std::size_t others, const v1::Frame& frame,
                                 std::span<WireRow> rows) {
  const std::uint64_t skipped = frame.skipped();
  const std::uint64_t held = rows.size() + others;
  if (to < held || to - held < skipped) {
    return Invalid("a frame up to seq " + std::to_string(to) + " can't have " +
                   std::to_string(held) + " of them and skip " + std::to_string(skipped));
  }
  const std::uint64_t from = to - held - skipped;
  const Unsigneds& gaps = frame.seq_gaps();
  const auto entries = static_cast<std::size_t>(gaps.size());
  const bool by_row = frame.seq_runs().empty() && entries == rows.size();
  if (!by_row) {
    const Status ok = CheckSpread("seq_gaps", entries, frame.seq_runs(), rows.size());
    if (!ok) return ok.error();
  }
  std::uint64_t left = skipped + others;
  std::uint64_t seq = from;
  GroupReader groups(frame.seq_runs(), by_row);
  for (WireRow& row : rows) {
    const GroupReader::Place place = groups.Next();
    if (place.first) {
      const std::uint64_t gap = gaps.empty() ? left : gaps[place.group];
      if (gap > left) return Invalid("the gaps between seqs exceed what is skipped");
      left -= gap;
      seq += gap;
    }
    row.row.dot.seq = ++seq;
  }
  return from;
}

Status DecodeLooseSeqs(const v1::Frame& frame, std::span<WireRow> rows) {
  if (static_cast<std::size_t>(frame.seq_steps_size()) != rows.size()) {
    return Invalid("column seq_steps does not fit " + std::to_string(rows.size()) + " rows");
  }
  std::uint64_t seq = 0;
  int next = 0;
  for (WireRow& row : rows) {
    seq += static_cast<std::uint64_t>(frame.seq_steps(next++));
    row.row.dot.seq = seq;
  }
  return {};
}

}  // namespace edgetwin::sync
