// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The host driver's properties: defined once, reported as rounded numbers.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/sdk/driver.h"
#include "drivers/sdk/policy.h"

namespace edgetwin::host {

// What all properties of one kind have in common ("a percentage of time").
struct MetricKind {
  model::ValueType type = model::ValueType::kDouble;
  std::string_view unit;  // UCUM.
  int decimals = 0;       // Doubles only.
  double deadband = 0;    // The default; the operator's policy rules stand above it.
  std::string_view description;
};

// One defined property. A default one belongs to no property, and reports to it are dropped.
struct Metric {
  model::PropertyId id = model::kNoProperty;
  int decimals = 0;
};

// Between the collectors and the sink. Valid while the driver is started.
class Metrics {
 public:
  Metrics(driver::SampleSink& sink, std::string thing, const driver::PolicyRules& rules)
      : sink_(&sink), thing_(std::move(thing)), rules_(&rules) {}

  // Defines `thing/name`. A property that the sink refuses becomes a Metric without a property, and
  // TakeRefusal tells of it. `source` is for people: "/proc/stat cpu0".
  Metric Define(std::string_view name, const MetricKind& kind, std::string source);

  // What is reported from now on is made of `text`, a file's line: for a sink that wants it.
  void Says(std::string_view text);

  // Rounded to the metric's decimals. Not a number, or infinite: reported as bad.
  void Report(Metric metric, double value);
  // Counts above the largest int64 are cut to it.
  void ReportCount(Metric metric, std::uint64_t value);
  void ReportFlag(Metric metric, bool value);
  void ReportText(Metric metric, std::string value);
  void ReportBad(Metric metric);
  void Remove(Metric metric);

  // The first refused definition since the last call.
  Status TakeRefusal();

 private:
  void Tell(Metric metric);

  driver::SampleSink* sink_;
  std::string thing_;
  const driver::PolicyRules* rules_;
  Status refusal_;
  std::string says_;  // Empty where the sink doesn't want it.
};

// Turns a counter that only grows into a rate.
class Rate {
 public:
  // Per second since the call before; nothing the first time, and when the counter went back (it
  // wrapped, or its device was reset): the next call measures from there.
  std::optional<double> PerSecond(std::uint64_t count, MonoTime now);

 private:
  std::optional<std::uint64_t> count_;
  MonoTime time_;
};

}  // namespace edgetwin::host
