// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/read_plan.h"

#include <algorithm>

#include "twin/base/check.h"

namespace edgetwin::driver {
namespace {

ReadGroup GroupOf(std::vector<PlannedValue> values) {
  ReadGroup group;
  group.kind = values.front().spec.kind;
  group.address = values.front().spec.address;
  int end = group.address;
  for (const PlannedValue& value : values) end = std::max(end, value.spec.end());
  group.count = end - group.address;
  group.values = std::move(values);
  return group;
}

}  // namespace

std::vector<ReadGroup> PlanReads(std::vector<PlannedValue> values, const ReadLimits& limits) {
  std::stable_sort(values.begin(), values.end(), [](const PlannedValue& a, const PlannedValue& b) {
    return std::pair(a.spec.kind, a.spec.address) < std::pair(b.spec.kind, b.spec.address);
  });
  std::vector<ReadGroup> groups;
  for (PlannedValue& value : values) {
    const RegisterSpec& spec = value.spec;
    const int count_max = IsBits(spec.kind) ? limits.bits_max : limits.registers_max;
    if (!groups.empty()) {
      ReadGroup& last = groups.back();
      const int gap = spec.address - (last.address + last.count);
      const int count = std::max(spec.end() - last.address, last.count);
      if (last.kind == spec.kind && gap <= limits.gap_max && count <= count_max) {
        last.count = count;
        last.values.push_back(std::move(value));
        continue;
      }
    }
    groups.push_back(GroupOf({std::move(value)}));
  }
  return groups;
}

std::vector<ReadGroup> Split(const ReadGroup& group) {
  EDGETWIN_CHECK(group.values.size() >= 2);
  // Where a cut is possible: before a value that begins after all earlier ones end.
  std::size_t best = 0;
  int best_gap = -1;
  int end = group.values.front().spec.end();
  const std::size_t middle = group.values.size() / 2;
  for (std::size_t i = 1; i < group.values.size(); ++i) {
    const int gap = group.values[i].spec.address - end;
    end = std::max(end, group.values[i].spec.end());
    if (gap < 0) continue;
    const auto distance = [middle](std::size_t at) {
      return at > middle ? at - middle : middle - at;
    };
    if (gap > best_gap || (gap == best_gap && distance(i) < distance(best))) {
      best = i;
      best_gap = gap;
    }
  }
  if (best_gap < 0) return {group};
  const auto cut = group.values.begin() + static_cast<std::ptrdiff_t>(best);
  return {GroupOf({group.values.begin(), cut}), GroupOf({cut, group.values.end()})};
}

}  // namespace edgetwin::driver
