// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A driver without a device: hands over a workload's values, so that what is measured is what comes
// after drivers.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "drivers/sdk/driver.h"
#include "tests/bench/workload.h"

namespace edgetwin::bench {

struct SyntheticOptions {
  std::size_t properties = 1'000;
  double hz = 1;  // 0: only what Poke reports.
  bool full_precision = false;
  // Of as many properties; null: one is made.
  std::shared_ptr<const Workload> workload = {};
  bool writable = false;  // All of them, not only "plant/poked".
  std::function<void(model::PropertyId, const model::Value&)> written;  // Called in Write.
};

class SyntheticDriver final : public driver::Driver {
 public:
  // DriverKind has a plain function to make drivers with, so the options lie beside it. One at a
  // time.
  static driver::DriverKind Kind(SyntheticOptions options);
  static SyntheticDriver* instance();

  bool Init(ConfigReader& config) override;
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  void Stop() override;
  Status Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) override;

  // One sample of the writable property "plant/poked".
  void Poke(double value);
  // One sample of any of ids().
  void Report(model::PropertyId id, model::Sample sample);
  // Of the workload's properties, in their order: "plant/p00000", ….
  const std::vector<model::PropertyId>& ids() const { return ids_; }
  std::uint64_t samples() const { return samples_; }

 private:
  void Round();

  std::shared_ptr<const Workload> workload_;
  Loop* loop_ = nullptr;
  driver::SampleSink* sink_ = nullptr;
  Loop::Id timer_ = Loop::Id::kNone;
  std::vector<model::PropertyId> ids_;
  model::PropertyId poked_ = model::kNoProperty;
  std::size_t round_ = 0;
  std::uint64_t samples_ = 0;
};

}  // namespace edgetwin::bench
