// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A driver that reads everything it has once a period, on the loop's thread.

#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "drivers/sdk/driver.h"
#include "drivers/sdk/poll_schedule.h"

namespace edgetwin::driver {

// For devices that are read without blocking, in much less than the period. A device whose library
// may block belongs behind BlockingDriver.
//
// Options: `period` (10ms to 1d, default 1s) and `phase` (0 to the period, default 0), which delays
// the first poll, so that instances of one period needn't poll in the same moment.
class PollDriver : public Driver {
 public:
  static constexpr std::chrono::milliseconds kPeriodMin{10};
  static constexpr std::chrono::milliseconds kPeriodMax = std::chrono::hours(24);

  ~PollDriver() override;

  bool Init(ConfigReader& config) final;
  // Opens, then polls after the phase and every period. May be called again after Stop, and after a
  // Start that failed.
  Status Start(Loop& loop, SampleSink& sink) final;
  // Idempotent.
  void Stop() final;

  // "poll_us": one poll should fit into its period; hits are the periods that were missed.
  std::vector<LimitReport> limits() const override;

 protected:
  // Reads the driver's own options, with problems going to `config`. No I/O.
  virtual void Configure(ConfigReader& config) = 0;
  // Opens what a poll needs. After a failure nothing may be left open; see Driver::Start for its
  // codes.
  virtual Status Open(SampleSink& sink);
  // Reads and reports. On failure it reports as bad (SampleSink::ReportBad) what it could not read;
  // the returned status is for the instance's statistics only, and the next poll comes as planned.
  virtual Status Poll(SampleSink& sink) = 0;
  // Closes what a successful Open opened.
  virtual void Close() {}

  std::chrono::milliseconds period() const { return period_; }
  // Valid from Open until Close.
  Loop& loop() { return *loop_; }

 private:
  void Arm(MonoTime now);
  void OnTimer();

  std::chrono::milliseconds period_{1000};
  std::chrono::milliseconds phase_{0};
  Loop* loop_ = nullptr;  // Null while stopped.
  SampleSink* sink_ = nullptr;
  Loop::Id timer_ = Loop::Id::kNone;
  PollSchedule schedule_;
  std::uint64_t missed_before_ = 0;  // By earlier Starts.
  std::chrono::microseconds took_{0};
  std::chrono::microseconds took_peak_{0};
};

}  // namespace edgetwin::driver
