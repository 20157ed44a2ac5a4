// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/series_workload.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "tests/bench/history_series.h"

namespace edgetwin::bench {
namespace {

// What an integrator would declare: the fewest that give back every value, up to a millionth.
std::optional<int> DecimalsOf(const std::vector<model::Sample>& samples) {
  constexpr int kMost = 6;
  for (int decimals = 0; decimals <= kMost; ++decimals) {
    const auto exact = [decimals](const model::Sample& sample) {
      return model::ScaleExactly(sample.value.real(), decimals).has_value();
    };
    if (std::ranges::all_of(samples, exact)) return decimals;
  }
  return {};
}

}  // namespace

Result<Workload> MakeWorkload(const std::string& folder, std::size_t properties) {
  if (folder.empty()) return Workload(properties, false, kWorkloadRounds);
  const Result<std::vector<HistorySeries>> all = ReadSeries(folder);
  if (!all) return all.error();
  // So that properties of one series don't move together.
  constexpr std::size_t kShift = 137;
  std::vector<std::optional<int>> of_series;
  for (const HistorySeries& series : *all) of_series.push_back(DecimalsOf(series.regular));
  std::vector<std::optional<int>> decimals;
  for (std::size_t i = 0; i < properties; ++i) decimals.push_back(of_series[i % all->size()]);
  std::vector<double> values;
  values.reserve(kWorkloadRounds * properties);
  for (std::size_t round = 0; round < kWorkloadRounds; ++round) {
    for (std::size_t i = 0; i < properties; ++i) {
      const auto& samples = (*all)[i % all->size()].regular;
      const std::size_t begin = i / all->size() * kShift;
      values.push_back(samples[(begin + round) % samples.size()].value.real());
    }
  }
  return Workload(std::move(values), std::move(decimals));
}

}  // namespace edgetwin::bench
