// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <bit>

#include "sync/codec/columns.h"
#include "sync/codec/rows.h"
#include "sync/codec/shapes.h"
#include "sync/codec/texts.h"
#include "twin/base/check.h"

namespace edgetwin::sync {
namespace {

using model::Side;

// Which rows have a column's thing.
bool IsControl(const WireRow& row) {
  return row.side != Side::kReported;
}
bool IsStatus(const WireRow& row) {
  return row.side == Side::kStatus;
}
bool IsWanted(const WireRow& row) {
  return row.side == Side::kDesired || row.side == Side::kOverride;
}

void CheckRow(const WireRow& row, RowsOf which) {
  EDGETWIN_CHECK(Allows(which, row.side));
  EDGETWIN_CHECK((row.pid == 0) == !row.path.empty());
  EDGETWIN_CHECK(Fits(row.row.value));
  if (!row.row.control) return;
  const model::ControlInfo& info = *row.row.control;
  EDGETWIN_CHECK(IsStatus(row) || info.refers_to == model::Dot());
  EDGETWIN_CHECK(IsStatus(row) || info.state == model::DesiredState::kNone);
  EDGETWIN_CHECK(IsWanted(row) || info.until == WallTime());
  EDGETWIN_CHECK(IsControl(row) || info.note.empty());
  EDGETWIN_CHECK(info.note.size() <= model::kNoteBytesMax);
}

class RowsEncoder {
 public:
  RowsEncoder(std::span<const WireRow> rows, v1::Frame& frame) : rows_(rows), frame_(frame) {}

  void Seqs(std::uint64_t from, std::uint64_t to, std::size_t others) {
    std::uint64_t before = from;
    std::size_t breaks = 0;  // Gaps after the first row.
    for (const WireRow& row : rows_) {
      EDGETWIN_CHECK(row.row.dot.seq > before);
      breaks += before != from && row.row.dot.seq != before + 1;
      before = row.row.dot.seq;
    }
    EDGETWIN_CHECK(before <= to);
    EDGETWIN_CHECK(to - from - rows_.size() >= others);
    frame_.set_skipped(to - from - rows_.size() - others);
    if (rows_.empty() || (breaks == 0 && before == to)) return;
    // Entries of one byte each, and the head of seq_runs.
    const std::size_t by_run_bytes = breaks + 1 + (breaks == 0 ? 0 : breaks + kColumnHeadBytes);
    if (by_run_bytes < rows_.size()) return GapsByRun(from);
    before = from;
    for (const WireRow& row : rows_) {
      frame_.add_seq_gaps(row.row.dot.seq - before - 1);
      before = row.row.dot.seq;
    }
  }

  void LooseSeqs() {
    std::uint64_t before = 0;
    for (const WireRow& row : rows_) {
      frame_.add_seq_steps(static_cast<std::int64_t>(row.row.dot.seq - before));
      before = row.row.dot.seq;
    }
  }

  void Incs() {
    const auto inc = [&](std::size_t i) { return rows_[i].row.dot.inc; };
    WriteSpread(
        rows_.size(), [&](std::size_t i) { return inc(i) == 0; },
        [&](std::size_t i) { return inc(i) == inc(i - 1); },
        [&](std::size_t i) { frame_.add_incs(inc(i)); }, frame_.mutable_inc_runs());
  }

  void Names() {
    Gather([](const WireRow& row) { return std::uint64_t{row.pid}; });
    if (numbers_.empty()) return;
    frame_.set_pid(static_cast<std::uint32_t>(numbers_.front()));
    WriteSteps(numbers_, Inside::kCounted, frame_.mutable_pid_steps(), frame_.mutable_pid_runs());
    for (const WireRow& row : rows_) {
      if (row.pid == 0) frame_.add_paths(row.path);
    }
  }

  void Values() {
    const std::vector<ShapedValue> shaped = ChooseShapes(rows_);
    frame_.mutable_numbers()->Reserve(static_cast<int>(rows_.size()));
    codes_.clear();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      codes_.push_back(shaped[i].shape);
      const model::Value& value = rows_[i].row.value;
      switch (shaped[i].shape) {
        case v1::SHAPE_NONE: break;
        case v1::SHAPE_DOUBLE: frame_.add_reals(std::bit_cast<std::uint64_t>(value.real())); break;
        case v1::SHAPE_STRING: frame_.add_texts(value.text()); break;
        case v1::SHAPE_BYTES: frame_.add_texts(value.bytes().data); break;
        default: frame_.add_numbers(shaped[i].number);
      }
    }
    std::uint8_t rest = WriteCodes(codes_, kShapeBits, frame_.mutable_shape_runs());
    if (rest == v1::SHAPE_NONE) {
      // The number of rows follows from the columns of values; these have none.
      const auto other = std::find_if(codes_.rbegin(), codes_.rend(),
                                      [](std::uint8_t code) { return code != v1::SHAPE_NONE; });
      const auto length = static_cast<std::uint64_t>(other - codes_.rbegin());
      frame_.add_shape_runs(length << kShapeBits | v1::SHAPE_NONE);
      rest = v1::SHAPE_DECIMALS_2;
    }
    frame_.set_shape(static_cast<v1::Shape>(rest));
  }

  void Times() {
    Gather([](const WireRow& row) {
      const auto ms = static_cast<std::uint64_t>(row.row.time.time_since_epoch().count());
      return ms - static_cast<std::uint64_t>(kWireEpochMs);
    });
    if (numbers_.empty()) return;
    frame_.set_time(static_cast<std::int64_t>(numbers_.front()));
    WriteSteps(numbers_, Inside::kSame, frame_.mutable_time_steps(), frame_.mutable_time_runs());
  }

  void Flags() {
    codes_.clear();
    for (const WireRow& row : rows_) {
      const auto flags =
          static_cast<std::uint64_t>(row.row.quality) | (row.row.unsynced ? kFlagUnsynced : 0);
      codes_.push_back(static_cast<std::uint8_t>(flags));
    }
    frame_.set_flags(WriteCodes(codes_, kFlagBits, frame_.mutable_flag_runs()));
  }

  void Sides() {
    codes_.clear();
    for (const WireRow& row : rows_) codes_.push_back(static_cast<std::uint8_t>(row.side));
    frame_.set_side(
        static_cast<v1::Side>(WriteCodes(codes_, kSideBits, frame_.mutable_side_runs())));
  }

  void Control() {
    Statuses();
    std::vector<const std::string*> notes;
    for (const WireRow& row : rows_) {
      if (IsControl(row)) notes.push_back(&row.row.info().note);
    }
    const auto note = [&](std::size_t i) -> const std::string& { return *notes[i]; };
    WriteSpread(
        notes.size(), [&](std::size_t i) { return note(i).empty(); },
        [&](std::size_t i) { return note(i) == note(i - 1); },
        [&](std::size_t i) { frame_.add_notes(note(i)); }, frame_.mutable_note_runs());
    numbers_.clear();
    for (const WireRow& row : rows_) {
      if (!IsWanted(row)) continue;
      const auto until_ms = row.row.info().until.time_since_epoch().count();
      numbers_.push_back(static_cast<std::uint64_t>(until_ms));
    }
    SpreadNumbers(frame_.mutable_untils(), frame_.mutable_until_runs());
  }

 private:
  template <class NumberOf>
  void Gather(NumberOf number_of) {
    numbers_.clear();
    numbers_.reserve(rows_.size());
    for (const WireRow& row : rows_) numbers_.push_back(number_of(row));
  }

  template <class Column>
  void SpreadNumbers(Column* column, Unsigneds* runs) {
    WriteSpread(
        numbers_.size(), [&](std::size_t i) { return numbers_[i] == 0; },
        [&](std::size_t i) { return numbers_[i] == numbers_[i - 1]; },
        [&](std::size_t i) { column->Add(static_cast<typename Column::value_type>(numbers_[i])); },
        runs);
  }

  void GapsByRun(std::uint64_t from) {
    std::uint64_t before = from;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::uint64_t seq = rows_[i].row.dot.seq;
      if (i == 0 || seq != before + 1) {
        frame_.add_seq_gaps(seq - before - 1);
        if (i > 0) frame_.add_seq_runs(i - begin);
        begin = i;
      }
      before = seq;
    }
  }

  void Statuses() {
    numbers_.clear();
    codes_.clear();
    std::vector<std::uint64_t> incs;
    for (const WireRow& row : rows_) {
      if (!IsStatus(row)) continue;
      const model::ControlInfo& info = row.row.info();
      numbers_.push_back(info.refers_to.seq);
      incs.push_back(info.refers_to.inc);
      codes_.push_back(
          static_cast<std::uint8_t>(SwapState(static_cast<std::uint64_t>(info.state))));
    }
    if (numbers_.empty()) return;
    frame_.set_refer(numbers_.front());
    WriteSteps(numbers_, Inside::kCounted, frame_.mutable_refer_steps(),
               frame_.mutable_refer_runs());
    frame_.set_state(
        static_cast<v1::State>(WriteCodes(codes_, kStateBits, frame_.mutable_state_runs())));
    numbers_ = std::move(incs);
    SpreadNumbers(frame_.mutable_refer_incs(), frame_.mutable_refer_inc_runs());
  }

  const std::span<const WireRow> rows_;
  v1::Frame& frame_;
  std::vector<std::uint64_t> numbers_;  // Of the column at hand …
  std::vector<std::uint8_t> codes_;     // … or its codes.
};

}  // namespace

RowsOf RowsOfStream(model::Stream stream) {
  switch (stream) {
    case model::Stream::kControl: return RowsOf::kControl;
    case model::Stream::kState: return RowsOf::kState;
    case model::Stream::kEvents:
    case model::Stream::kHistory: break;
  }
  return RowsOf::kNothing;
}

bool Allows(RowsOf which, Side side) {
  switch (which) {
    case RowsOf::kNothing: return false;
    case RowsOf::kState: return side == Side::kReported;
    case RowsOf::kControl: return side != Side::kReported;
    case RowsOf::kDevice: return side != Side::kDesired;
    case RowsOf::kCloud: return side == Side::kDesired;
  }
  return false;
}

void EncodeSeqs(std::uint64_t from, std::uint64_t to, std::size_t others,
                std::span<const WireRow> rows, v1::Frame& frame) {
  EDGETWIN_CHECK(from <= to);
  RowsEncoder(rows, frame).Seqs(from, to, others);
}

void EncodeLooseSeqs(std::span<const WireRow> rows, v1::Frame& frame) {
  RowsEncoder(rows, frame).LooseSeqs();
}

void EncodeRows(RowsOf which, std::span<const WireRow> rows, v1::Frame& frame) {
  EDGETWIN_CHECK(rows.size() <= kFrameRowsMax);
  for (const WireRow& row : rows) CheckRow(row, which);
  RowsEncoder encoder(rows, frame);
  encoder.Incs();
  encoder.Names();
  encoder.Values();
  encoder.Times();
  encoder.Flags();
  encoder.Sides();
  if (which != RowsOf::kState) encoder.Control();
}

}  // namespace edgetwin::sync
