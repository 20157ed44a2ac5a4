// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/driver_cost.h"

#include <algorithm>
#include <ctime>

#include "twin/base/event_loop.h"

namespace edgetwin::bench {
namespace {

// Counts what comes, and asks for no more.
class CountingSink final : public driver::SampleSink {
 public:
  Result<model::PropertyId> Define(model::PropertyDef) override {
    return model::PropertyId{properties_++};
  }
  void Report(model::PropertyId, model::Value, model::Quality) override { ++samples_; }
  void ReportAt(model::PropertyId, model::Sample) override { ++samples_; }
  void ReportBad(model::PropertyId) override { ++bad_; }
  void Remove(model::PropertyId) override {}
  void Polled(std::string_view, std::chrono::microseconds, const Status&) override {}

  std::uint64_t samples() const { return samples_; }
  std::uint64_t bad() const { return bad_; }

 private:
  std::uint32_t properties_ = 0;
  std::uint64_t samples_ = 0;
  std::uint64_t bad_ = 0;
};

}  // namespace

double CpuUs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

CpuCost CostOf(driver::Driver& driver, double seconds) {
  CpuCost cost;
  SystemClock clock;
  EventLoop loop(clock);
  CountingSink sink;
  if (const Status started = driver.Start(loop, sink); !started) {
    cost.trouble = started.error().text;
    return cost;
  }
  loop.RunFor(std::chrono::milliseconds(500));  // Connections are made, properties defined.
  const std::uint64_t before = sink.samples();
  const double begin = CpuUs();
  loop.RunFor(std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
  const double end = CpuUs();
  cost.samples = sink.samples() - before;
  driver.Stop();
  if (cost.samples == 0 || sink.bad() > 0) cost.trouble = "no or bad samples";
  cost.us = (end - begin) / static_cast<double>(std::max<std::uint64_t>(cost.samples, 1));
  return cost;
}

}  // namespace edgetwin::bench
