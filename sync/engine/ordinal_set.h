// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A set of ordinals as intervals.

#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace edgetwin::sync {

class OrdinalSet {
 public:
  struct Interval {  // Both included.
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    friend bool operator==(const Interval&, const Interval&) = default;
  };

  // Intervals that touch become one.
  void Add(std::uint64_t first, std::uint64_t last) {
    const auto ends_before = [](const Interval& interval, std::uint64_t ordinal) {
      return ordinal != 0 && interval.last < ordinal - 1;
    };
    const auto from = std::lower_bound(intervals_.begin(), intervals_.end(), first, ends_before);
    auto to = from;
    while (to != intervals_.end() &&
           (last == std::numeric_limits<std::uint64_t>::max() || to->first <= last + 1)) {
      first = std::min(first, to->first);
      last = std::max(last, to->last);
      ++to;
    }
    const auto at = intervals_.erase(from, to);
    intervals_.insert(at, {first, last});
  }

  // Whether all of them are in the set.
  bool Contains(std::uint64_t first, std::uint64_t last) const {
    const auto ends_before = [](const Interval& interval, std::uint64_t ordinal) {
      return interval.last < ordinal;
    };
    const auto found = std::lower_bound(intervals_.begin(), intervals_.end(), first, ends_before);
    return found != intervals_.end() && found->first <= first && last <= found->last;
  }

  const std::vector<Interval>& intervals() const { return intervals_; }

 private:
  std::vector<Interval> intervals_;  // Ascending; none touches the next one.
};

}  // namespace edgetwin::sync
