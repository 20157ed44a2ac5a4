// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One run of a program: its pipes on the loop, held to their rates.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/exec/child.h"
#include "drivers/exec/lines.h"
#include "twin/base/limit.h"
#include "twin/base/loop.h"

namespace edgetwin::exec {

// The limits' counters, which outlive a run. Hits: pauses in reading, except where said otherwise.
struct ProgramLimits {
  // A line counts as one for each kBytesPerLine of it.
  explicit ProgramLimits(std::uint64_t lines_per_second_max);

  static constexpr std::uint64_t kBytesPerLine = 256;
  static constexpr std::uint64_t kInputBytesMax = 256 << 10;
  static constexpr std::uint64_t kErrorBytesPerSecondMax = 64 << 10;

  Limit lines_per_second;
  Limit line_bytes;           // Hits: lines that were passed over.
  Limit input_backlog_bytes;  // Hits: lines that were not sent, since the program reads too slowly.
  Limit error_bytes_per_second;
};

// Loop thread only. The process must ignore SIGPIPE, as the agent does. A listener may destroy the
// Program from within its calls.
class Program {
 public:
  class Listener {
   public:
    virtual void OnLine(std::string_view line, bool too_long) = 0;
    // The last call. `how` says how it ended ("exited with 3"), with the last words of its stderr.
    virtual void OnEnded(const std::string& how) = 0;

   protected:
    ~Listener() = default;
  };

  // After the program's exit at most this much of its output is still read.
  static constexpr std::size_t kLastBytesMax = 256 << 10;
  static constexpr std::size_t kErrorLinesKept = 5;
  static constexpr std::size_t kErrorLineBytesMax = 256;

  // `name` is the Undertaker's for it. `limits` and `listener` must outlive the Program. Fails as
  // StartChild does.
  static Result<std::unique_ptr<Program>> Start(Loop& loop, std::string name,
                                                const ChildOptions& options,
                                                std::chrono::milliseconds stop_within,
                                                ProgramLimits& limits, Listener& listener);
  // One that runs still is told to stop and handed to the Undertaker.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Sends a line, now or when the program reads. False when too much is waiting already.
  bool Send(std::string_view line);

  pid_t pid() const { return child_.pid; }
  // The last lines of its stderr, newest last.
  const std::deque<std::string>& error_lines() const { return error_lines_; }

 private:
  enum class Flow { kGoOn, kPause, kGone };

  Program(Loop& loop, std::string name, const ChildOptions& options,
          std::chrono::milliseconds stop_within, ProgramLimits& limits, Listener& listener,
          Child child);

  void WatchOutput();
  void OnOutput();
  // Hands over the lines that are in `chunk_`. kGone: the listener has destroyed this.
  Flow HandLines(bool limited);
  void PauseOutput();
  void NewSecond();
  void OnOutputClosed();
  void OnErrors();
  void ReadErrors();
  void KeepErrors(std::string_view bytes);
  void WatchErrors();
  void OnExit();
  void Flush();
  void Unwatch();
  std::string WithLastWords(std::string how) const;

  Loop& loop_;
  const std::string name_;
  const ChildOptions options_;
  const std::chrono::milliseconds stop_within_;
  ProgramLimits& limits_;
  Listener& listener_;
  Child child_;
  bool reaped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  Loop::Id exit_watch_ = Loop::Id::kNone;
  Loop::Id output_watch_ = Loop::Id::kNone;  // Or the timer that ends the pause.
  Loop::Id error_watch_ = Loop::Id::kNone;
  Loop::Id input_watch_ = Loop::Id::kNone;

  std::string backlog_;
  std::string chunk_;
  std::string_view rest_;  // Of chunk_: not handed over yet.
  LineCutter lines_;
  MonoTime second_began_;
  std::uint64_t lines_this_second_ = 0;
  std::uint64_t bytes_this_second_ = 0;
  MonoTime error_second_began_;
  std::uint64_t error_bytes_this_second_ = 0;
  LineCutter error_cutter_{kErrorLineBytesMax};
  std::deque<std::string> error_lines_;
};

}  // namespace edgetwin::exec
