// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/stamped_sink.h"

#include <algorithm>
#include <utility>

namespace edgetwin::iio {

using std::chrono::milliseconds;

void SampleBox::Put(const std::string& path, StampedSample sample) {
  const std::lock_guard lock(mutex_);
  if (!samples_limit_.Fits(count_ + 1)) return samples_limit_.Hit();
  samples_[path].push_back(std::move(sample));
  samples_limit_.Use(++count_);
}

std::vector<StampedSample> SampleBox::Take(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = samples_.find(path);
  if (found == samples_.end()) return {};
  std::vector<StampedSample> taken = std::move(found->second);
  samples_.erase(found);
  count_ -= taken.size();
  samples_limit_.Use(count_);
  return taken;
}

Result<model::PropertyId> StampedSink::Define(model::PropertyDef def) {
  std::string path = def.path.text();
  Result<model::PropertyId> id = sink_->Define(std::move(def));
  if (id) paths_[*id] = std::move(path);
  return id;
}

void StampedSink::Report(model::PropertyId id, model::Value value, model::Quality quality) {
  const std::vector<StampedSample> samples = box_->Take(paths_[id]);
  if (samples.empty()) return sink_->Report(id, std::move(value), quality);
  // Ages, and not the stamps themselves: the agent may know the time better than this machine.
  const MonoTime now = system_clock_.Now();
  const Result<WallTime> wall = clock_->Wall();
  for (const StampedSample& stamped : samples) {
    if (sink_ == nullptr) return;  // The sink's owner stopped the driver.
    model::Sample sample;
    sample.value = stamped.value;
    sample.quality = quality;
    sample.unsynced = !wall;
    const auto age = std::chrono::duration_cast<milliseconds>(now - stamped.at);
    sample.time = (wall ? *wall : clock_->UntrustedWall()) - std::max(age, milliseconds(0));
    sink_->ReportAt(id, std::move(sample));
  }
}

void StampedSink::ReportAt(model::PropertyId id, model::Sample sample) {
  sink_->ReportAt(id, std::move(sample));
}

void StampedSink::ReportBad(model::PropertyId id) {
  sink_->ReportBad(id);
}

void StampedSink::Remove(model::PropertyId id) {
  paths_.erase(id);
  sink_->Remove(id);
}

void StampedSink::Polled(std::string_view part, std::chrono::microseconds took,
                         const Status& result) {
  sink_->Polled(part, took, result);
}

}  // namespace edgetwin::iio
