// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A SampleSink that keeps what a driver reports, and holds the driver to the sink's contract.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/driver.h"

namespace edgetwin::driver::testing {

// Breaches of the contract (unknown ids, wrong types, use after Revoke) are assertions, as in the
// agent.
class RecordingSink final : public SampleSink {
 public:
  struct PollRecord {
    std::string part;
    std::chrono::microseconds took{0};
    Status result;
  };

  // `clock` stamps what is sampled now, and must outlive the sink.
  explicit RecordingSink(const Clock& clock) : clock_(&clock) {}

  Result<model::PropertyId> Define(model::PropertyDef def) override;
  void Report(model::PropertyId id, model::Value value, model::Quality quality) override;
  void ReportAt(model::PropertyId id, model::Sample sample) override;
  void ReportBad(model::PropertyId id) override;
  void Remove(model::PropertyId id) override;
  void Polled(std::string_view part, std::chrono::microseconds took, const Status& result) override;
  bool wants_raw() const override { return true; }
  void Raw(model::PropertyId id, std::string_view raw) override;

  // From now on every call is an assertion: the driver has been stopped.
  void Revoke() { revoked_ = true; }
  // Paths of another instance: defining one is kConflict.
  void ClaimElsewhere(std::string path) { claimed_.insert(std::move(path)); }
  void set_properties_max(std::size_t max) { properties_max_ = max; }

  bool Has(std::string_view path) const;  // Defined and not removed.
  model::PropertyId IdOf(std::string_view path) const;
  const model::PropertyDef& DefOf(std::string_view path) const;
  // The latest sample; its value is none when there was no sample yet. Requires Has.
  const model::Sample& Last(std::string_view path) const;
  const std::vector<model::Sample>& Samples(std::string_view path) const;
  const std::string& RawOf(std::string_view path) const;  // The latest; empty: none was told.
  std::vector<std::string> paths() const;                 // Defined and not removed, in order.
  const std::vector<PollRecord>& polls() const { return polls_; }
  std::uint64_t reports() const { return reports_; }
  // Keeps only the latest sample of each property from now on: for long runs.
  void KeepLatestOnly() { latest_only_ = true; }

  // What happened since the last call, a line each, in the order of paths within one poll:
  //   define thing/property double % .1
  //   thing/property = 12.5
  //   thing/property bad
  //   thing/property removed
  //   polled: unavailable: TEXT        (failures only)
  std::string TakeTranscript();
  // Also writes the time of each sample: "thing/property = 12.5 @2026-09-21T00:00:00.000Z".
  void ShowTimes() { show_times_ = true; }

 private:
  struct Property {
    model::PropertyDef def;
    bool removed = false;
    std::vector<model::Sample> samples;
    std::string raw = {};
  };

  Property& At(model::PropertyId id);
  const Property& At(std::string_view path) const;
  void Keep(model::PropertyId id, model::Sample sample);
  void Line(std::string text);
  void FlushLines();

  const Clock* clock_;
  bool revoked_ = false;
  bool latest_only_ = false;
  bool show_times_ = false;
  std::size_t properties_max_ = 100'000;
  std::uint64_t reports_ = 0;
  std::set<std::string, std::less<>> claimed_;
  std::map<std::string, model::PropertyId, std::less<>> ids_;
  std::vector<Property> properties_;
  std::vector<PollRecord> polls_;
  std::vector<std::string> lines_;  // Of the poll that is under way.
  std::string transcript_;
};

// "2026-09-21T00:00:00.000Z".
std::string FormatTime(WallTime time);

}  // namespace edgetwin::driver::testing
