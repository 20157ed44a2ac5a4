// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Sparkplug B data sets (Sparkplug 3.0, 6.4.8): tables whose columns have a name and a type. Pure;
// safe on any bytes.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::mqtt_driver {

inline constexpr std::size_t kDataSetCellsMax = 10'000;  // Its rows and columns count as one, too.
inline constexpr std::size_t kDataSetJsonBytesMax = 4 << 20;

// A list of rows, each an object of its columns: [{"name":"a","count":1},…]. A cell without a value
// is null, and so is a number that JSON can't say. kCorrupt for what is no such table, kExhausted
// for more than a limit.
Result<std::string> DataSetJson(std::string_view bytes);

}  // namespace edgetwin::mqtt_driver
