// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a process costs, read from outside it.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace edgetwin::bench {

struct Cost {
  double cpu_us = 0;  // Of all its threads, since it began.
  double pss_kb = 0;
  double private_dirty_kb = 0;
  double write_bytes = 0;  // That the kernel sent to storage for it.
};

// Zeros for what can't be read.
Cost Measure(pid_t pid);

double Median(std::vector<double> values);
// `percent` of the values are at most this.
double Percentile(std::vector<double> values, double percent);

// The number of microseconds on the monotonic clock.
double NowUs();

}  // namespace edgetwin::bench
