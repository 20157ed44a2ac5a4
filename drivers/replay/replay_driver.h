// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Plays a recorded CSV file as if its values were measured now.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/replay/csv.h"
#include "drivers/replay/pace.h"
#include "drivers/replay/replay_options.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::replay {

// The file is read in blocks of 64 KiB at most, on the loop's thread, so it belongs on local
// storage. While it can't be read its values are bad, and it is tried again. A turn of the loop
// plays at most kLinesPerTurn lines, however fast it is told to be. Lines that aren't understood
// are skipped, counted, and reported with file and line through SampleSink::Polled.
class ReplayDriver final : public driver::Driver {
 public:
  static constexpr std::uint64_t kLinesPerTurn = 256;

  ~ReplayDriver() override { Stop(); }

  bool Init(ConfigReader& config) override;
  // kUnavailable: the file isn't there (yet), or has no whole line; kInvalid: it lacks a column.
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  void Stop() override;

  // The file, "ok", "failing" or "ended", with the latest bad line.
  std::vector<driver::PartStatus> parts() const override;
  std::vector<LimitReport> limits() const override;

  std::uint64_t rows() const { return rows_; }
  // Lines that were passed over, and cells that were no value.
  std::uint64_t bad_lines() const { return bad_lines_; }
  std::uint64_t rounds() const { return rounds_; }
  std::uint64_t steps_back() const { return pace_.steps_back(); }

 private:
  struct Column {
    std::size_t index = 0;
    model::PropertyDef def;
    model::PropertyId id = model::kNoProperty;
  };

  Status Open(driver::SampleSink& sink);
  Status Resolve(const Cells& heading);
  Result<std::size_t> IndexOf(const ColumnRef& column, const Cells& heading) const;
  void AddAllColumns(const Cells& heading);
  Status DefineColumns(driver::SampleSink& sink);

  void Arm(std::chrono::microseconds wait);
  void Turn();
  // Plays what is due; `wait` is how long until the next turn, nothing at the end.
  Status Play(std::optional<std::chrono::microseconds>& wait);
  // Makes the next row the pending one; false at the end of the file. Bad lines are noted and
  // passed over, at most up to the turn's limit.
  Result<bool> NextRow(std::uint64_t& lines);
  Status ParseRow(const LineReader::Line& line);
  // At the file's end. kCorrupt: not one line of this round could be played.
  Status NextRound();
  void BeginRound();
  void ReportRow();
  void ReportCell(const Column& column, const std::string& cell);
  void ReportAllBad();
  void NoteBad(std::uint64_t line, const std::string& text);

  ReplayOptions options_;
  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  Loop::Id timer_ = Loop::Id::kNone;

  LineReader reader_;
  Cells cells_;  // Of the pending row.
  std::string heading_;
  bool heading_due_ = false;  // The next line must be it.
  std::size_t width_ = 0;     // Cells that each line must have.
  std::size_t time_index_ = 0;
  std::vector<Column> columns_;

  Pace pace_;
  LoopShift shift_;
  bool pending_ = false;  // A row is parsed and not played.
  WallTime pending_time_;
  MonoTime pending_due_;
  std::uint64_t pending_line_ = 0;

  bool ended_ = false;
  bool failing_ = false;
  std::uint64_t rows_ = 0;
  std::uint64_t bad_lines_ = 0;
  std::uint64_t rounds_ = 0;
  std::uint64_t full_turns_ = 0;
  std::string last_error_;
  Status turn_status_;  // The first bad line of this turn.
};

driver::DriverKind ReplayKind();

}  // namespace edgetwin::replay
