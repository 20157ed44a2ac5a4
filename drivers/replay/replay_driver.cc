// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/replay_driver.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "drivers/replay/cell.h"
#include "drivers/sdk/policy.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace edgetwin::replay {
namespace {

using std::chrono::microseconds;

// After a read error, and for a file that can't be played: disks that fail do so for seconds, and
// copies take as long.
constexpr std::chrono::seconds kRetry{1};

// A row that is due this soon is played in this turn instead of waking up once more for it.
constexpr std::chrono::milliseconds kEarlyMax{1};

std::string FileName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

bool ReplayDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().list().size();
  options_ = ReadReplayOptions(config);
  return config.problems().list().size() == problems;
}

Status ReplayDriver::Start(Loop& loop, driver::SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  if (Status opened = Open(sink); !opened) {
    reader_.Close();
    return opened;
  }
  loop_ = &loop;
  sink_ = &sink;
  pace_ = Pace(options_.speed, loop.Now());
  shift_ = LoopShift();
  heading_due_ = pending_ = ended_ = failing_ = false;
  Arm(microseconds(0));
  return {};
}

void ReplayDriver::Stop() {
  if (loop_ == nullptr) return;
  loop_->Cancel(timer_);
  reader_.Close();
  loop_ = nullptr;
  sink_ = nullptr;
}

Status ReplayDriver::Open(driver::SampleSink& sink) {
  if (Status opened = reader_.Open(options_.file); !opened) return opened;
  const Result<std::optional<LineReader::Line>> first = reader_.Next();
  if (!first) return first.error();
  // Whoever copies it here may be at it still: the start is tried again.
  if (!*first) return Unavailable(options_.file + " is empty");
  if (!(*first)->ended && !(*first)->too_long) {
    return Unavailable(options_.file + ": the first line has no end yet");
  }
  const std::string at = options_.file + ":" + std::to_string((*first)->number) + ": ";
  if ((*first)->too_long)
    return Invalid(at + "the line is longer than " + std::to_string(LineReader::kLineBytesMax) +
                   " bytes");
  heading_ = (*first)->text;
  if (const Status split = cells_.Split(heading_, options_.separator); !split) {
    return Invalid(at + split.error().text);
  }
  if (const Status resolved = Resolve(cells_); !resolved)
    return Invalid(at + resolved.error().text);
  if (!options_.header) reader_.Rewind();
  return DefineColumns(sink);
}

Status ReplayDriver::Resolve(const Cells& heading) {
  width_ = heading.size();
  columns_.clear();
  const Result<std::size_t> time = IndexOf(options_.time_column, heading);
  if (!time) return time.error();
  time_index_ = *time;
  for (const ColumnOptions& option : options_.columns) {
    const Result<std::size_t> index = IndexOf(option.column, heading);
    if (!index) return index.error();
    columns_.push_back({*index, option.def, model::kNoProperty});
  }
  if (columns_.empty()) AddAllColumns(heading);
  if (columns_.empty()) return Invalid("there is no column beside the time's");
  return {};
}

Result<std::size_t> ReplayDriver::IndexOf(const ColumnRef& column, const Cells& heading) const {
  if (column.number > heading.size()) {
    return Invalid("there is no column " + column.ToString() + ", only " +
                   std::to_string(heading.size()));
  }
  if (column.number > 0) return column.number - 1;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < heading.size(); ++i) {
    if (heading[i] == column.name) return i;
    names.push_back(heading[i]);
  }
  const std::string near = Nearest(column.name, names);
  return Invalid("there is no column " + column.ToString() +
                 (near.empty() ? "" : "; did you mean '" + near + "'?"));
}

void ReplayDriver::AddAllColumns(const Cells& heading) {
  for (std::size_t i = 0; i < heading.size(); ++i) {
    if (i == time_index_) continue;
    Column column;
    column.index = i;
    column.def.type = model::ValueType::kDouble;
    const bool named = options_.header && !heading[i].empty();
    const std::string name =
        named ? model::ToSegment(heading[i]) : "column" + std::to_string(i + 1);
    Result<model::Path> path = model::Path::Parse(options_.thing + "/" + name);
    if (!path) continue;  // Longer than a path may be.
    column.def.path = std::move(*path);
    const bool taken = std::any_of(columns_.begin(), columns_.end(), [&](const Column& other) {
      return other.def.path == column.def.path;
    });
    if (!taken) columns_.push_back(std::move(column));
  }
}

Status ReplayDriver::DefineColumns(driver::SampleSink& sink) {
  for (Column& column : columns_) {
    column.def.source = FileName(options_.file) + " column " + std::to_string(column.index + 1);
    const Result<model::PropertyId> id = sink.Define(column.def);
    if (!id) return id.error();
    column.id = *id;
  }
  return {};
}

void ReplayDriver::Arm(microseconds wait) {
  timer_ = loop_->After(wait, [this] { Turn(); });
}

void ReplayDriver::Turn() {
  const MonoTime begin = loop_->Now();
  turn_status_ = Status();
  std::optional<microseconds> wait = microseconds(0);
  const std::uint64_t rows_before = rows_;
  Status status = Play(wait);
  if (status) status = turn_status_;
  // A timer that came too early is no poll.
  if (rows_ != rows_before || !status) sink_->Polled("", loop_->Now() - begin, status);
  if (loop_ != nullptr && wait) Arm(*wait);
}

Status ReplayDriver::Play(std::optional<microseconds>& wait) {
  for (std::uint64_t lines = 0; lines < kLinesPerTurn;) {
    if (!pending_) {
      if (failing_) pace_.GoOn(loop_->Now());
      const Result<bool> more = NextRow(lines);
      if (!more) {
        if (!std::exchange(failing_, true)) ReportAllBad();
        last_error_ = more.error().text;
        wait = kRetry;
        return more.error();
      }
      failing_ = false;
      if (!*more) {
        ended_ = true;
        wait.reset();
        return {};
      }
      if (!pending_) break;  // The turn's lines were all bad.
    }
    if (const microseconds rest = pending_due_ - loop_->Now(); rest > kEarlyMax) {
      wait = rest;
      return {};
    }
    ReportRow();
    ++lines;
  }
  ++full_turns_;
  return {};
}

Result<bool> ReplayDriver::NextRow(std::uint64_t& lines) {
  for (; lines < kLinesPerTurn; ++lines) {
    const Result<std::optional<LineReader::Line>> line = reader_.Next();
    if (!line) return line.error();
    if (!*line) {
      if (!options_.loop) return false;
      if (Status next = NextRound(); !next) return next.error();
      continue;
    }
    if (std::exchange(heading_due_, false)) {
      if ((*line)->text == heading_) continue;
      BeginRound();
      return Corrupt(options_.file + ":" + std::to_string((*line)->number) +
                     ": the heading has changed since the start");
    }
    const Status parsed = ParseRow(**line);
    if (parsed) return true;
    NoteBad((*line)->number, parsed.error().text);
  }
  return true;
}

Status ReplayDriver::ParseRow(const LineReader::Line& line) {
  if (line.too_long) {
    return Invalid("the line is longer than " + std::to_string(LineReader::kLineBytesMax) +
                   " bytes");
  }
  if (const Status split = cells_.Split(line.text, options_.separator); !split) return split;
  if (cells_.size() != width_) {
    return Invalid(std::to_string(cells_.size()) + " cells where the first line has " +
                   std::to_string(width_));
  }
  const Result<WallTime> time = driver::ParseTime(cells_[time_index_], options_.time_format);
  if (!time) return time.error();
  shift_.Row(*time);
  pending_ = true;
  pending_line_ = line.number;
  pending_time_ = *time + shift_.shift();
  pending_due_ = std::isinf(options_.speed) ? loop_->Now() : pace_.DueOf(pending_time_);
  return {};
}

// A file that is being replaced may be empty, or half of another, when a round begins. What is
// wrong with it is told, and it is read again after a pause: going round at once would be a busy
// loop.
Status ReplayDriver::NextRound() {
  BeginRound();
  if (!shift_.NextRound()) return Corrupt(options_.file + ": no line could be played");
  ++rounds_;
  return {};
}

void ReplayDriver::BeginRound() {
  reader_.Rewind();
  heading_due_ = options_.header;
}

void ReplayDriver::ReportRow() {
  pending_ = false;
  ++rows_;
  for (const Column& column : columns_) ReportCell(column, cells_[column.index]);
}

void ReplayDriver::ReportCell(const Column& column, const std::string& cell) {
  constexpr std::size_t kRawBytesMax = 100;
  if (sink_->wants_raw()) sink_->Raw(column.id, ToUtf8(cell, kRawBytesMax));
  const std::vector<std::string>& missing = options_.missing_cells;
  if (std::find(missing.begin(), missing.end(), cell) != missing.end()) {
    if (options_.missing_is_bad) sink_->ReportBad(column.id);
    return;
  }
  Result<model::Value> value = ParseCell(cell, column.def.type);
  if (!value) {
    sink_->ReportBad(column.id);
    NoteBad(pending_line_,
            "column " + std::to_string(column.index + 1) + ": " + value.error().text);
    return;
  }
  if (value->type() == model::ValueType::kDouble) {
    value = model::Value(driver::Rounded(value->real(), column.def.decimals));
  }
  if (!options_.recorded_time) return sink_->Report(column.id, std::move(*value));
  model::Sample sample;
  sample.value = std::move(*value);
  sample.time = pending_time_;
  sink_->ReportAt(column.id, std::move(sample));
}

void ReplayDriver::ReportAllBad() {
  for (const Column& column : columns_) sink_->ReportBad(column.id);
}

void ReplayDriver::NoteBad(std::uint64_t line, const std::string& text) {
  ++bad_lines_;
  last_error_ = options_.file + ":" + std::to_string(line) + ": " + text;
  if (turn_status_) {
    turn_status_ = Invalid(last_error_ + " (" + std::to_string(bad_lines_) + " bad so far)");
  }
}

std::vector<driver::PartStatus> ReplayDriver::parts() const {
  driver::PartStatus file;
  file.name = FileName(options_.file);
  file.state = failing_ ? "failing" : ended_ ? "ended" : "ok";
  file.last_error = last_error_;
  return {file};
}

std::vector<LimitReport> ReplayDriver::limits() const {
  LimitReport line;
  line.name = "line_bytes";
  line.max = LineReader::kLineBytesMax;
  line.peak = reader_.longest_bytes();
  line.hits = reader_.too_long();
  LimitReport turn;
  turn.name = "turn_lines";
  turn.max = kLinesPerTurn;
  turn.hits = full_turns_;
  return {line, turn};
}

driver::DriverKind ReplayKind() {
  return {"replay", "A recorded CSV file, played as if it were measured now",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<ReplayDriver>(); }};
}

}  // namespace edgetwin::replay
