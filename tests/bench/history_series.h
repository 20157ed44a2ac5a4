// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The series that history's codec is measured on.

#pragma once

#include <string>
#include <vector>

#include "twin/base/result.h"
#include "twin/model/row.h"

namespace edgetwin::bench {

struct HistorySeries {
  std::string name;                    // The file's, without ".csv".
  std::vector<model::Sample> regular;  // Doubles, one a second.
  std::vector<model::Sample> own;      // The same at the file's own times; empty if it has none.
};

// Every CSV file in `folder` and below, by name: a value a line, or a time and a value
// ("2015-07-10 14:24:00,564"; a "T" between the two and a "Z" behind them are as good, and so are
// milliseconds since 1970). A first line that is neither is a heading. kInvalid names the line of
// anything else.
Result<std::vector<HistorySeries>> ReadSeries(const std::string& folder);

// A dozen made ones, always the same, where there is no data.
std::vector<HistorySeries> SyntheticSeries();

}  // namespace edgetwin::bench
