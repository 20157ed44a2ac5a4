// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The sum of many runs of the simulator: a file of lines, each the JSON of one whole batch. A line
// that was cut counts as nothing.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/invariants.h"
#include "twin/base/result.h"

namespace edgetwin::sim {

// What a release needs.
inline constexpr std::uint64_t kSeedsAim = 20'000;
inline constexpr std::uint64_t kCrashPointsAim = 1'000'000;

// What ran: seeds first..last of a profile, or of every scenario's crash points.
struct BatchOfSeeds {
  std::string profile;  // Empty: crash points.
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct Tally {
  using Counts = std::map<std::string, std::uint64_t, std::less<>>;
  struct Part {  // A profile's, or that of the crash points.
    std::uint64_t batches = 0;
    std::uint64_t last_seed = 0;  // All up to it have run.
    std::uint64_t seeds = 0;
    std::uint64_t seeds_counted = 0;  // See Counts in seeds.h; of crash points, 0.
    std::uint64_t violations = 0;
    double device_days = 0;
    double cpu_s = 0;
    Counts faults, asked, checks;
    std::uint64_t crash_points = 0;
    Counts scenarios, variants;  // Their crash points.
  };
  std::map<std::string, Part, std::less<>> profiles;
  Part crashes;
  std::vector<std::string> failures;  // As JSON, each with how to see it again.
  std::uint64_t cut = 0;              // Lines that count as nothing.

  const Part& PartOf(std::string_view profile) const;  // Empty: of the crash points.
  std::uint64_t seeds_counted() const;
  std::uint64_t violations() const;
  // What a profile or the crash points should have shown and have not; nothing of a profile that
  // has not run is missing but that.
  std::vector<std::string> Missing() const;
};

// A line of the file. `result`: of ToJson in report.h.
std::string BatchLine(const BatchOfSeeds& batch, std::string_view commit,
                      const std::string& result);

// Adds a line to the sum. Its error: seeds that do not follow those before, or no such line.
Status AddBatch(Tally& tally, const std::string& line);

// Empty when there is no such file. Its error: as of AddBatch, but for lines that were cut.
Result<Tally> ReadTally(const std::string& path);

std::string ToJson(const Tally& tally);
std::string ToText(const Tally& tally);

}  // namespace edgetwin::sim
