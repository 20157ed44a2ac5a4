// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/program.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "drivers/exec/protocol.h"
#include "drivers/exec/undertaker.h"

namespace edgetwin::exec {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kChunkBytes = 16 << 10;  // Read in one turn of the loop.

// One that closes its stdout mostly exits next, and its exit status says more.
constexpr milliseconds kExitAfterClose{500};

// 0 at the end, nothing when there is nothing now.
std::optional<std::size_t> ReadSome(const Descriptor& from, char* to, std::size_t bytes) {
  while (true) {
    const ssize_t got = read(from.get(), to, bytes);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR) return 0;
  }
}

}  // namespace

ProgramLimits::ProgramLimits(std::uint64_t lines_per_second_max)
    : lines_per_second(lines_per_second_max),
      line_bytes(kLineBytesMax),
      input_backlog_bytes(kInputBytesMax),
      error_bytes_per_second(kErrorBytesPerSecondMax) {}

Result<std::unique_ptr<Program>> Program::Start(Loop& loop, std::string name,
                                                const ChildOptions& options,
                                                milliseconds stop_within, ProgramLimits& limits,
                                                Listener& listener) {
  Result<Child> child = StartChild(options);
  if (!child) return child.error();
  return std::unique_ptr<Program>(new Program(loop, std::move(name), options, stop_within, limits,
                                              listener, *std::move(child)));
}

Program::Program(Loop& loop, std::string name, const ChildOptions& options,
                 milliseconds stop_within, ProgramLimits& limits, Listener& listener, Child child)
    : loop_(loop),
      name_(std::move(name)),
      options_(options),
      stop_within_(stop_within),
      limits_(limits),
      listener_(listener),
      child_(std::move(child)),
      lines_(kLineBytesMax),
      second_began_(loop.Now()),
      error_second_began_(loop.Now()) {
  exit_watch_ = loop_.Watch(child_.process.get(), Loop::kReadable, [this](unsigned) { OnExit(); });
  WatchOutput();
  WatchErrors();
}

Program::~Program() {
  Unwatch();
  limits_.input_backlog_bytes.Use(0);
  if (reaped_) return;
  // Behind what the program hasn't read yet; where that is much, closing its stdin has to do.
  if (backlog_.empty()) {
    const std::string stop = StopLine();
    [[maybe_unused]] const ssize_t sent = write(child_.input.get(), stop.data(), stop.size());
  }
  Undertaker::Get().Take(name_, std::move(child_), stop_within_);
}

void Program::Unwatch() {
  for (Loop::Id* id : {&exit_watch_, &output_watch_, &error_watch_, &input_watch_}) {
    loop_.Cancel(std::exchange(*id, Loop::Id::kNone));
  }
}

bool Program::Send(std::string_view line) {
  const std::uint64_t waiting = backlog_.size() + line.size();
  if (!limits_.input_backlog_bytes.Fits(waiting)) {
    limits_.input_backlog_bytes.Hit();
    return false;
  }
  backlog_ += line;
  Flush();
  return true;
}

void Program::Flush() {
  while (!backlog_.empty() && child_.input.open()) {
    const ssize_t sent = write(child_.input.get(), backlog_.data(), backlog_.size());
    if (sent >= 0) {
      backlog_.erase(0, static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      // It has closed its stdin: it wants to hear no more, or exits, which is noticed elsewhere.
      backlog_.clear();
      child_.input.Close();
    }
  }
  if (!child_.input.open()) backlog_.clear();
  limits_.input_backlog_bytes.Use(backlog_.size());
  if (backlog_.empty()) {
    loop_.Cancel(std::exchange(input_watch_, Loop::Id::kNone));
  } else if (input_watch_ == Loop::Id::kNone) {
    input_watch_ = loop_.Watch(child_.input.get(), Loop::kWritable, [this](unsigned) { Flush(); });
  }
}

void Program::WatchOutput() {
  output_watch_ =
      loop_.Watch(child_.output.get(), Loop::kReadable, [this](unsigned) { OnOutput(); });
}

void Program::OnOutput() {
  NewSecond();
  const std::uint64_t bytes_max = limits_.lines_per_second.max() * ProgramLimits::kBytesPerLine;
  chunk_.resize(static_cast<std::size_t>(
      std::min<std::uint64_t>(kChunkBytes, bytes_max - bytes_this_second_)));
  const auto got = ReadSome(child_.output, chunk_.data(), chunk_.size());
  if (!got) return;
  if (*got == 0) return OnOutputClosed();
  rest_ = std::string_view(chunk_).substr(0, *got);
  bytes_this_second_ += *got;
  if (HandLines(true) == Flow::kPause) PauseOutput();
}

Program::Flow Program::HandLines(bool limited) {
  const std::weak_ptr<bool> alive = alive_;
  const std::uint64_t lines_max = limits_.lines_per_second.max();
  while (!rest_.empty()) {
    if (limited && lines_this_second_ >= lines_max) return Flow::kPause;
    if (!lines_.Take(rest_)) break;
    ++lines_this_second_;
    limits_.line_bytes.Use(lines_.line().size());
    if (lines_.too_long()) limits_.line_bytes.Hit();
    listener_.OnLine(lines_.line(), lines_.too_long());
    if (alive.expired()) return Flow::kGone;
  }
  limits_.lines_per_second.Use(lines_this_second_);
  const bool paused = bytes_this_second_ >= lines_max * ProgramLimits::kBytesPerLine;
  return limited && paused ? Flow::kPause : Flow::kGoOn;
}

void Program::NewSecond() {
  const MonoTime now = loop_.Now();
  if (now < second_began_ + seconds(1)) return;
  second_began_ = now;
  lines_this_second_ = 0;
  bytes_this_second_ = 0;
}

void Program::PauseOutput() {
  limits_.lines_per_second.Use(lines_this_second_);
  limits_.lines_per_second.Hit();
  loop_.Cancel(output_watch_);
  const microseconds wait = second_began_ + seconds(1) - loop_.Now();
  // Its pipe fills meanwhile, and then the program waits.
  output_watch_ = loop_.After(wait, [this] {
    output_watch_ = Loop::Id::kNone;
    NewSecond();
    const Flow flow = HandLines(true);
    if (flow == Flow::kGoOn) WatchOutput();
    if (flow == Flow::kPause) PauseOutput();
  });
}

void Program::OnOutputClosed() {
  loop_.Cancel(output_watch_);
  output_watch_ = loop_.After(kExitAfterClose, [this] {
    output_watch_ = Loop::Id::kNone;
    listener_.OnEnded(WithLastWords("closed its stdout"));
  });
}

void Program::WatchErrors() {
  error_watch_ =
      loop_.Watch(child_.errors.get(), Loop::kReadable, [this](unsigned) { OnErrors(); });
}

void Program::OnErrors() {
  std::array<char, 4096> bytes;
  const auto got = ReadSome(child_.errors, bytes.data(), bytes.size());
  if (!got) return;
  if (*got == 0) {
    loop_.Cancel(std::exchange(error_watch_, Loop::Id::kNone));
    return;
  }
  KeepErrors({bytes.data(), *got});
  const MonoTime now = loop_.Now();
  if (now >= error_second_began_ + seconds(1)) {
    error_second_began_ = now;
    error_bytes_this_second_ = 0;
  }
  error_bytes_this_second_ += *got;
  limits_.error_bytes_per_second.Use(error_bytes_this_second_);
  if (error_bytes_this_second_ < limits_.error_bytes_per_second.max()) return;
  limits_.error_bytes_per_second.Hit();
  loop_.Cancel(error_watch_);
  error_watch_ = loop_.After(error_second_began_ + seconds(1) - now, [this] { WatchErrors(); });
}

void Program::KeepErrors(std::string_view bytes) {
  const auto keep = [this] {
    std::string text = error_cutter_.too_long() ? "(a long line)"
                                                : Words(error_cutter_.line(), kErrorLineBytesMax);
    if (text.empty()) return;
    error_lines_.push_back(std::move(text));
    if (error_lines_.size() > kErrorLinesKept) error_lines_.pop_front();
  };
  while (!bytes.empty()) {
    if (error_cutter_.Take(bytes)) keep();
  }
}

void Program::ReadErrors() {
  std::array<char, 4096> bytes;
  for (std::size_t total = 0; total < kLastBytesMax;) {
    const auto got = ReadSome(child_.errors, bytes.data(), bytes.size());
    if (!got || *got == 0) break;
    total += *got;
    KeepErrors({bytes.data(), *got});
  }
  KeepErrors("\n");
}

void Program::OnExit() {
  Unwatch();
  // First of all: a child of the program's that has its stdout would go on writing.
  std::string how = Reap(child_);
  reaped_ = true;
  ReadErrors();
  const std::string failure = StartFailure(child_, options_);
  if (!failure.empty()) how = failure;
  if (HandLines(false) == Flow::kGone) return;
  for (std::size_t total = 0; total < kLastBytesMax;) {
    chunk_.resize(kChunkBytes);
    const auto got = ReadSome(child_.output, chunk_.data(), chunk_.size());
    if (!got || *got == 0) break;
    total += *got;
    rest_ = std::string_view(chunk_).substr(0, *got);
    if (HandLines(false) == Flow::kGone) return;
  }
  if (lines_.TakeRest()) how += " in the middle of a line";
  listener_.OnEnded(WithLastWords(std::move(how)));
}

std::string Program::WithLastWords(std::string how) const {
  if (!error_lines_.empty()) how += "; its stderr ends with: " + error_lines_.back();
  return how;
}

}  // namespace edgetwin::exec
