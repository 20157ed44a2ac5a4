// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/measure.h"

#include <algorithm>
#include <ctime>
#include <fstream>

namespace edgetwin::bench {
namespace {

double Field(const std::string& file, const std::string& name) {
  std::ifstream in(file);
  std::string word;
  while (in >> word) {
    if (word != name) continue;
    double value = 0;
    in >> value;
    return value;
  }
  return 0;
}

}  // namespace

Cost Measure(pid_t pid) {
  const std::string proc = "/proc/" + std::to_string(pid);
  Cost cost;
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &time) == 0) {
    cost.cpu_us = static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  }
  cost.pss_kb = Field(proc + "/smaps_rollup", "Pss:");
  cost.private_dirty_kb = Field(proc + "/smaps_rollup", "Private_Dirty:");
  cost.write_bytes = Field(proc + "/io", "write_bytes:");
  return cost;
}

double Median(std::vector<double> values) {
  return Percentile(std::move(values), 50);
}

double Percentile(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(static_cast<double>(values.size() - 1) * percent / 100);
  return values[at];
}

double NowUs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

}  // namespace edgetwin::bench
