// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/excerpt.h"

#include <algorithm>

#include "twin/base/check.h"
#include "twin/history/block.h"

namespace edgetwin::history {
namespace {

using std::chrono::milliseconds;

// Its length may be more than 64 bits have.
std::uint64_t Distance(WallTime from, WallTime to) {
  return static_cast<std::uint64_t>(to.time_since_epoch().count()) -
         static_cast<std::uint64_t>(from.time_since_epoch().count());
}

}  // namespace

Excerpt::Excerpt(const ExcerptOptions& options) : options_(options) {
  EDGETWIN_CHECK(options.points_max <= kExcerptPointsMax && options.from <= options.to);
  if (options.points_max == 0) return;
  const std::uint64_t length = Distance(options.from, options.to) / options.points_max + 1;
  bucket_ = milliseconds(static_cast<std::int64_t>(std::min<std::uint64_t>(length, INT64_MAX)));
  buckets_.resize(options.points_max);
}

Status Excerpt::Add(const BlockRecord& block) {
  if (full_ || block.first < next_) return {};
  next_ = block.first + block.count;
  if (block.t_max < options_.from || block.t_min > options_.to) return {};
  const Result<Block> decoded = DecodeBlock(block.bytes);
  if (!decoded) {
    ++damaged_blocks_;
    return decoded.error();
  }
  for (const model::Sample& sample : decoded->samples) {
    if (sample.time >= options_.from && sample.time <= options_.to) Take(sample);
  }
  return {};
}

void Excerpt::Take(const model::Sample& sample) {
  if (options_.points_max == 0) {
    if (samples_.size() == kExcerptSamplesMax) full_ = true;
    if (!full_) samples_.push_back(sample);
    return;
  }
  At(sample.time).Add(sample);
}

void Excerpt::Add(const Bucket& aggregate) {
  if (aggregate.from < options_.from || aggregate.from > options_.to) return;
  aggregated_ += aggregate.count;
  if (options_.points_max > 0) At(aggregate.from).Add(aggregate);
}

Bucket& Excerpt::At(WallTime time) {
  const std::uint64_t index =
      Distance(options_.from, time) / static_cast<std::uint64_t>(bucket_.count());
  return buckets_[std::min<std::uint64_t>(index, buckets_.size() - 1)];
}

std::vector<Bucket> Excerpt::Buckets() const {
  std::vector<Bucket> buckets;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i].count == 0) continue;
    buckets.push_back(buckets_[i]);
    // From the first time that there is to the last one is more than 63 bits have.
    const std::uint64_t from =
        Distance(WallTime{}, options_.from) + static_cast<std::uint64_t>(bucket_.count()) * i;
    buckets.back().from = WallTime(milliseconds(static_cast<std::int64_t>(from)));
  }
  return buckets;
}

}  // namespace edgetwin::history
