// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device's history of a long time offline, made as the agent makes it, but as fast as it goes;
// and sums by which it is told whether all of it arrived.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/model/row.h"

namespace edgetwin::bench {

struct BacklogOptions {
  int properties = 100;
  std::int64_t seconds = 7 * 86'400;  // Of samples, one a second of each property.
  std::string data;                   // Folder of series, as of ReadSeries; empty: made ones.
  // Doubles are rounded to so many digits, as a driver does for declared decimals; nothing: not.
  std::optional<int> decimals = {};
  // Each property's time stamps are late by 0 to n ms each, where n is 0 to this.
  int jitter_ms_max = 2;
  // How long samples gather until they are committed; 0: as long as the agent has it.
  std::int64_t window_s = 0;
  std::uint32_t seed = 1;
};

// Of one property: how many samples, and the sum of a hash of (path, ordinal, time, value, quality)
// of each. Sums of the same samples are the same in whatever order they come; one that is missing,
// there twice, changed, or in another's place makes it another sum.
struct SampleSum {
  std::uint64_t count = 0;
  std::uint64_t sum = 0;

  void Add(std::uint64_t path_hash, std::uint64_t ordinal, const model::Sample& sample);
  friend bool operator==(const SampleSum&, const SampleSum&) = default;
};
std::uint64_t HashOfPath(const std::string& path);

// What is sampled: series in turn, tiled, each property from another place of its series on, at
// another offset, at another part of the second, with a jitter of its own.
class BacklogSource {
 public:
  // Errors as of ReadSeries.
  static Result<BacklogSource> Make(const BacklogOptions& options);
  ~BacklogSource();
  BacklogSource(BacklogSource&&) noexcept;

  std::size_t properties() const;
  std::size_t series() const;
  // "plant/p000", …
  static std::string PathOf(std::size_t property);
  // The next sample of the property, of the second that begins at `second`.
  model::Sample Next(std::size_t property, WallTime second);

 private:
  struct Impl;
  explicit BacklogSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Backlog {
  std::uint64_t samples = 0;      // Made.
  std::uint64_t evicted = 0;      // Of these, since there was no room: by the ledger.
  std::uint64_t dropped = 0;      // In memory.
  std::vector<SampleSum> sums;    // Of what was made, by property.
  std::uint64_t file_bytes = 0;   // history.db and its WAL, closed.
  std::uint64_t block_bytes = 0;  // Of that, encoded blocks …
  std::uint64_t blocks = 0;       // … so many.
  std::uint64_t commits = 0;
  double made_s = 0;
  double encode_s = 0;  // Of that, not in commits.
};

// Into `folder`/history.db by the agent's own recorder and store, with the options that the agent
// takes by default but `bytes_max`; the last sample is of `end`. Tells on standard error how far it
// is.
Result<Backlog> MakeBacklog(const BacklogOptions& options, const std::string& folder,
                            std::uint64_t bytes_max, WallTime end);

// By property, of what a history.db has: the device's, of nobody else's, or `device`'s at the
// cloud, of samples with ordinals below `ordinals_end`. In memory there is one block at a time.
Result<std::vector<SampleSum>> SumDevice(const std::string& folder, std::size_t properties,
                                         std::uint64_t ordinals_end);
Result<std::vector<SampleSum>> SumCloud(const std::string& folder, const std::string& device,
                                        std::size_t properties, std::uint64_t ordinals_end);

}  // namespace edgetwin::bench
