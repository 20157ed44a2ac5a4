// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The samples of one property in a range of time, as they are or in buckets.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/history/gather/bucket.h"
#include "twin/history/gather/records.h"
#include "twin/model/row.h"

namespace edgetwin::history {

inline constexpr std::size_t kExcerptSamplesMax = 20'000;
inline constexpr std::size_t kExcerptPointsMax = 5'000;

struct ExcerptOptions {
  WallTime from{};  // Both included.
  WallTime to{};
  // Into so many buckets at most; 0: every sample. At most kExcerptPointsMax.
  std::size_t points_max = 0;
};

// SINGLE-THREADED. Its memory has a limit whatever is added.
class Excerpt {
 public:
  explicit Excerpt(const ExcerptOptions& options);

  // Blocks in the order of ordinals; one whose ordinals were added before is passed over. kCorrupt
  // when it can't be decoded: it is counted, and the others can still be added.
  Status Add(const BlockRecord& block);
  // Samples that are only known by what they came to; into the bucket of its `from`.
  void Add(const Bucket& aggregate);

  // Whether there are more than kExcerptSamplesMax samples: then only the first of them are here.
  bool full() const { return full_; }
  std::uint64_t damaged_blocks() const { return damaged_blocks_; }
  // How many samples were added as aggregates.
  std::uint64_t aggregated() const { return aggregated_; }
  std::chrono::milliseconds bucket() const { return bucket_; }

  // With points_max 0, in the order in which they were sampled.
  const std::vector<model::Sample>& samples() const { return samples_; }
  // Otherwise: those that have samples, by time. Each is of [from, from + bucket()).
  std::vector<Bucket> Buckets() const;

 private:
  void Take(const model::Sample& sample);
  Bucket& At(WallTime time);

  const ExcerptOptions options_;
  std::chrono::milliseconds bucket_{0};
  std::uint64_t next_ = 0;
  bool full_ = false;
  std::uint64_t damaged_blocks_ = 0;
  std::uint64_t aggregated_ = 0;
  std::vector<model::Sample> samples_;
  std::vector<Bucket> buckets_;
};

}  // namespace edgetwin::history
