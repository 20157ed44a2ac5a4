// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/synthetic_driver.h"

#include <cstdio>
#include <utility>

namespace edgetwin::bench {
namespace {

SyntheticOptions g_options;  // See Kind.
SyntheticDriver* g_instance = nullptr;

}  // namespace

driver::DriverKind SyntheticDriver::Kind(SyntheticOptions options) {
  g_options = std::move(options);
  return {"synthetic", "A workload without a device", []() -> std::unique_ptr<driver::Driver> {
            auto made = std::make_unique<SyntheticDriver>();
            g_instance = made.get();
            return made;
          }};
}

SyntheticDriver* SyntheticDriver::instance() {
  return g_instance;
}

bool SyntheticDriver::Init(ConfigReader&) {
  return true;
}

Status SyntheticDriver::Start(Loop& loop, driver::SampleSink& sink) {
  loop_ = &loop;
  sink_ = &sink;
  workload_ = g_options.workload;
  if (!workload_) {
    workload_ = std::make_shared<Workload>(g_options.properties, g_options.full_precision);
  }
  for (std::size_t i = 0; i < g_options.properties; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "plant/p%05zu", i);
    model::PropertyDef def;
    def.path = *model::Path::Parse(name);
    def.type = model::ValueType::kDouble;
    def.writable = g_options.writable;
    def.decimals = workload_->decimals(i);
    const auto id = sink.Define(def);
    if (!id) return id.error();
    ids_.push_back(*id);
  }
  model::PropertyDef def;
  def.path = *model::Path::Parse("plant/poked");
  def.type = model::ValueType::kDouble;
  def.writable = true;
  const auto id = sink.Define(def);
  if (!id) return id.error();
  poked_ = *id;
  sink.Report(poked_, model::Value(0.0));
  if (g_options.hz > 0) {
    const auto period = std::chrono::microseconds(static_cast<std::int64_t>(1e6 / g_options.hz));
    timer_ = loop.Every(period, [this] { Round(); });
    Round();
  }
  return {};
}

void SyntheticDriver::Round() {
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    sink_->Report(ids_[i], model::Value(workload_->At(round_, i)));
  }
  samples_ += ids_.size();
  ++round_;
  sink_->Polled({}, {}, {});
}

void SyntheticDriver::Poke(double value) {
  sink_->Report(poked_, model::Value(value));
  ++samples_;
}

void SyntheticDriver::Report(model::PropertyId id, model::Sample sample) {
  sink_->ReportAt(id, std::move(sample));
  ++samples_;
}

void SyntheticDriver::Stop() {
  loop_->Cancel(timer_);
}

Status SyntheticDriver::Write(model::PropertyId id, const model::Value& value,
                              driver::WriteDone done) {
  if (g_options.written) g_options.written(id, value);
  done(value);
  return {};
}

}  // namespace edgetwin::bench
