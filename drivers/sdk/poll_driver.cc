// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/poll_driver.h"

#include <algorithm>

#include "twin/base/check.h"

namespace edgetwin::driver {
namespace {

// A timer may fire this much before the poll is due: libevent counts from the time its turn began.
// Waiting for the rest would wake the processor twice a poll, and the schedule doesn't drift from
// it.
constexpr std::chrono::microseconds kEarlyMax{2000};

}  // namespace

PollDriver::~PollDriver() {
  // Close is virtual, so too late here.
  EDGETWIN_CHECK(loop_ == nullptr);
}

bool PollDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().list().size();
  period_ = config.Duration("period", std::chrono::seconds(1), kPeriodMin, kPeriodMax);
  phase_ = config.Duration("phase", std::chrono::milliseconds(0), std::chrono::milliseconds(0),
                           kPeriodMax);
  if (phase_ > period_) {
    config.Problem(
        "phase", FormatDuration(phase_) + " is longer than the period, " + FormatDuration(period_));
  }
  Configure(config);
  return config.problems().list().size() == problems;
}

Status PollDriver::Open(SampleSink&) {
  return {};
}

Status PollDriver::Start(Loop& loop, SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  loop_ = &loop;
  if (Status opened = Open(sink); !opened) {
    loop_ = nullptr;
    return opened;
  }
  sink_ = &sink;
  const MonoTime now = loop.Now();
  missed_before_ += schedule_.missed();
  schedule_ = PollSchedule(period_, now + phase_);
  Arm(now);
  return {};
}

void PollDriver::Stop() {
  if (loop_ == nullptr) return;
  loop_->Cancel(timer_);
  timer_ = Loop::Id::kNone;
  Close();
  loop_ = nullptr;
  sink_ = nullptr;
}

void PollDriver::Arm(MonoTime now) {
  const auto wait = std::max(std::chrono::microseconds(0), schedule_.due() - now);
  timer_ = loop_->After(wait, [this] { OnTimer(); });
}

void PollDriver::OnTimer() {
  const MonoTime begin = loop_->Now();
  if (begin + kEarlyMax < schedule_.due()) return Arm(begin);
  const Status status = Poll(*sink_);
  const MonoTime end = loop_->Now();
  took_ = end - begin;
  took_peak_ = std::max(took_peak_, took_);
  sink_->Polled("", took_, status);
  if (loop_ == nullptr) return;  // The sink's owner stopped us for what it heard.
  schedule_.Done(end);
  Arm(end);
}

std::vector<LimitReport> PollDriver::limits() const {
  LimitReport poll;
  poll.name = "poll_us";
  poll.max = static_cast<std::uint64_t>(std::chrono::microseconds(period_).count());
  poll.used = static_cast<std::uint64_t>(took_.count());
  poll.peak = static_cast<std::uint64_t>(took_peak_.count());
  poll.hits = missed_before_ + schedule_.missed();
  return {poll};
}

}  // namespace edgetwin::driver
