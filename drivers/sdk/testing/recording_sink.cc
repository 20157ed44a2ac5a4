// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/recording_sink.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::driver::testing {
namespace {

std::string DefineLine(const model::PropertyDef& def) {
  std::string line = "define " + def.path.text() + " " + std::string(ToString(def.type));
  if (!def.unit.empty()) line += " " + def.unit;
  if (def.decimals) line += " ." + std::to_string(*def.decimals);
  return line;
}

}  // namespace

std::string FormatTime(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[40];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

Result<model::PropertyId> RecordingSink::Define(model::PropertyDef def) {
  EDGETWIN_CHECK(!revoked_);
  if (Status ok = model::Check(def); !ok) return ok.error();
  const std::string path = def.path.text();
  if (claimed_.contains(path)) return Conflict("'" + path + "' belongs to another instance");
  const auto found = ids_.find(path);
  if (found != ids_.end()) {
    Property& property = At(found->second);
    if (property.removed || property.def != def) Line(DefineLine(def));
    property.def = std::move(def);
    property.removed = false;
    return found->second;
  }
  if (properties_.size() >= properties_max_) {
    return Exhausted("there are " + std::to_string(properties_max_) + " properties already");
  }
  Line(DefineLine(def));
  const model::PropertyId id{static_cast<std::uint32_t>(properties_.size())};
  properties_.push_back({std::move(def), false, {}});
  ids_.emplace(path, id);
  return id;
}

void RecordingSink::Report(model::PropertyId id, model::Value value, model::Quality quality) {
  ReportAt(id, {std::move(value), clock_->UntrustedWall(), quality, !clock_->Wall().has_value()});
}

void RecordingSink::ReportAt(model::PropertyId id, model::Sample sample) {
  EDGETWIN_CHECK(!revoked_);
  const Property& property = At(id);
  EDGETWIN_CHECK(!property.removed);
  EDGETWIN_CHECK(sample.value.type() == property.def.type);
  std::string line = property.def.path.text() + " = " + Format(sample.value, property.def.decimals);
  if (sample.quality != model::Quality::kGood) line += " " + std::string(ToString(sample.quality));
  if (show_times_) line += " @" + FormatTime(sample.time);
  Line(std::move(line));
  Keep(id, std::move(sample));
}

void RecordingSink::ReportBad(model::PropertyId id) {
  EDGETWIN_CHECK(!revoked_);
  const Property& property = At(id);
  EDGETWIN_CHECK(!property.removed);
  Line(property.def.path.text() + " bad");
  model::Sample sample;
  if (!property.samples.empty()) sample = property.samples.back();
  sample.quality = model::Quality::kBad;
  Keep(id, std::move(sample));
}

void RecordingSink::Remove(model::PropertyId id) {
  EDGETWIN_CHECK(!revoked_);
  Property& property = At(id);
  EDGETWIN_CHECK(!property.removed);
  property.removed = true;
  Line(property.def.path.text() + " removed");
}

void RecordingSink::Polled(std::string_view part, std::chrono::microseconds took,
                           const Status& result) {
  EDGETWIN_CHECK(!revoked_);
  polls_.push_back({std::string(part), took, result});
  FlushLines();
  if (result) return;
  transcript_ += "polled" + (part.empty() ? "" : " " + std::string(part)) + ": " +
                 std::string(ToString(result.error().code)) + ": " + result.error().text + "\n";
}

void RecordingSink::Raw(model::PropertyId id, std::string_view raw) {
  EDGETWIN_CHECK(!revoked_);
  At(id).raw = raw;
}

bool RecordingSink::Has(std::string_view path) const {
  const auto found = ids_.find(path);
  return found != ids_.end() && !properties_[model::Index(found->second)].removed;
}

model::PropertyId RecordingSink::IdOf(std::string_view path) const {
  const auto found = ids_.find(path);
  EDGETWIN_CHECK(found != ids_.end());
  return found->second;
}

const model::PropertyDef& RecordingSink::DefOf(std::string_view path) const {
  return At(path).def;
}

const model::Sample& RecordingSink::Last(std::string_view path) const {
  static const model::Sample kNothing;
  const Property& property = At(path);
  return property.samples.empty() ? kNothing : property.samples.back();
}

const std::vector<model::Sample>& RecordingSink::Samples(std::string_view path) const {
  return At(path).samples;
}

const std::string& RecordingSink::RawOf(std::string_view path) const {
  return At(path).raw;
}

std::vector<std::string> RecordingSink::paths() const {
  std::vector<std::string> result;
  for (const auto& [path, id] : ids_) {
    if (!properties_[model::Index(id)].removed) result.push_back(path);
  }
  return result;
}

std::string RecordingSink::TakeTranscript() {
  FlushLines();
  return std::exchange(transcript_, "");
}

RecordingSink::Property& RecordingSink::At(model::PropertyId id) {
  EDGETWIN_CHECK(model::Index(id) < properties_.size());
  return properties_[model::Index(id)];
}

const RecordingSink::Property& RecordingSink::At(std::string_view path) const {
  return properties_[model::Index(IdOf(path))];
}

void RecordingSink::Keep(model::PropertyId id, model::Sample sample) {
  ++reports_;
  std::vector<model::Sample>& samples = At(id).samples;
  if (latest_only_) samples.clear();
  samples.push_back(std::move(sample));
}

void RecordingSink::Line(std::string text) {
  if (!latest_only_) lines_.push_back(std::move(text));
}

void RecordingSink::FlushLines() {
  // By path, since the order within a poll is nobody's business; stable, since that of one property
  // is.
  const auto path_of = [](const std::string& line) {
    const std::size_t begin = line.starts_with("define ") ? 7 : 0;
    return std::string_view(line).substr(begin, line.find(' ', begin) - begin);
  };
  std::stable_sort(lines_.begin(), lines_.end(), [&](const std::string& a, const std::string& b) {
    return path_of(a) < path_of(b);
  });
  for (const std::string& line : lines_) transcript_ += line + "\n";
  lines_.clear();
}

}  // namespace edgetwin::driver::testing
