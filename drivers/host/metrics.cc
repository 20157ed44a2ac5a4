// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "drivers/sdk/sysfs/text.h"
#include "twin/base/utf8.h"

namespace edgetwin::host {

Metric Metrics::Define(std::string_view name, const MetricKind& kind, std::string source) {
  Result<model::Path> path = model::Path::Parse(thing_ + "/" + std::string(name));
  if (!path) {
    if (refusal_) refusal_ = path.error();
    return {};
  }
  model::PropertyDef def;
  def.path = std::move(*path);
  def.type = kind.type;
  def.unit = kind.unit;
  if (kind.type == model::ValueType::kDouble) def.decimals = kind.decimals;
  def.policy.deadband = kind.deadband;
  def.description = kind.description;
  def.source = std::move(source);
  rules_->Apply(name, def);
  const int decimals = def.decimals.value_or(0);
  const Result<model::PropertyId> id = sink_->Define(std::move(def));
  if (!id) {
    if (refusal_) refusal_ = id.error();
    return {};
  }
  return {*id, decimals};
}

void Metrics::Says(std::string_view text) {
  says_.clear();
  if (!sink_->wants_raw()) return;
  constexpr std::size_t kBytesMax = 100;
  // The kernel's columns are far apart.
  for (std::string_view word = sysfs::TakeWord(text); !word.empty(); word = sysfs::TakeWord(text)) {
    says_ += (says_.empty() ? "" : " ") + ToUtf8(word, kBytesMax);
    if (says_.size() <= kBytesMax) continue;
    says_ = ToUtf8(says_, kBytesMax) + "…";
    return;
  }
}

void Metrics::Tell(Metric metric) {
  if (!says_.empty()) sink_->Raw(metric.id, says_);
}

void Metrics::Report(Metric metric, double value) {
  if (metric.id == model::kNoProperty) return;
  Tell(metric);
  if (!std::isfinite(value)) return sink_->ReportBad(metric.id);
  sink_->Report(metric.id, model::Value(driver::Rounded(value, metric.decimals)));
}

void Metrics::ReportCount(Metric metric, std::uint64_t value) {
  if (metric.id == model::kNoProperty) return;
  Tell(metric);
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  sink_->Report(metric.id, model::Value(static_cast<std::int64_t>(std::min(value, kMax))));
}

void Metrics::ReportFlag(Metric metric, bool value) {
  if (metric.id == model::kNoProperty) return;
  Tell(metric);
  sink_->Report(metric.id, model::Value(value));
}

void Metrics::ReportText(Metric metric, std::string value) {
  if (metric.id == model::kNoProperty) return;
  Tell(metric);
  sink_->Report(metric.id, model::Value(std::move(value)));
}

void Metrics::ReportBad(Metric metric) {
  if (metric.id == model::kNoProperty) return;
  Tell(metric);
  sink_->ReportBad(metric.id);
}

void Metrics::Remove(Metric metric) {
  if (metric.id != model::kNoProperty) sink_->Remove(metric.id);
}

Status Metrics::TakeRefusal() {
  return std::exchange(refusal_, Status());
}

std::optional<double> Rate::PerSecond(std::uint64_t count, MonoTime now) {
  const std::optional<std::uint64_t> before = std::exchange(count_, count);
  const std::chrono::duration<double> elapsed = now - std::exchange(time_, now);
  if (!before || count < *before || elapsed.count() <= 0) return std::nullopt;
  return static_cast<double>(count - *before) / elapsed.count();
}

}  // namespace edgetwin::host
