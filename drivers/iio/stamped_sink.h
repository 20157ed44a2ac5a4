// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Samples of captures, with the times at which they were taken. A bus hands over values without
// times, and of one property one at once; so what a capture has of it lies in a box, the bus's
// reading says that something does, and the sink between bus and twin puts that in its place.

#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/driver.h"

namespace edgetwin::iio {

struct StampedSample {
  model::Value value;
  MonoTime at;  // Of SystemClock.
};

// Thread-safe: captures put in on their threads what the loop takes out.
class SampleBox {
 public:
  static constexpr std::uint64_t kSamplesMax = 65'536;

  SampleBox() : samples_limit_(kSamplesMax) {}

  // Drops the sample, and counts it, when the box is full.
  void Put(const std::string& path, StampedSample sample);
  // In the order of Put.
  std::vector<StampedSample> Take(const std::string& path);
  LimitReport limit() const { return samples_limit_.Report("boxed_samples"); }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<StampedSample>> samples_;
  std::uint64_t count_ = 0;
  Limit samples_limit_;
};

// A value that is reported of a property goes on as the samples in the box, if there are any. Loop
// thread only.
class StampedSink final : public driver::SampleSink {
 public:
  // All must outlive the sink, or its Close.
  StampedSink(driver::SampleSink& sink, const Clock& clock, SampleBox& box)
      : sink_(&sink), clock_(&clock), box_(&box) {}

  // Nothing goes on any more.
  void Close() { sink_ = nullptr; }

  Result<model::PropertyId> Define(model::PropertyDef def) override;
  void Report(model::PropertyId id, model::Value value, model::Quality quality) override;
  void ReportAt(model::PropertyId id, model::Sample sample) override;
  void ReportBad(model::PropertyId id) override;
  void Remove(model::PropertyId id) override;
  void Polled(std::string_view part, std::chrono::microseconds took, const Status& result) override;
  bool wants_raw() const override { return sink_->wants_raw(); }
  void Raw(model::PropertyId id, std::string_view raw) override { sink_->Raw(id, raw); }

 private:
  driver::SampleSink* sink_;
  const Clock* clock_;
  SampleBox* box_;
  const SystemClock system_clock_;
  std::map<model::PropertyId, std::string> paths_;
};

}  // namespace edgetwin::iio
