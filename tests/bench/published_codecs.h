// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Published codecs of time series, written from their papers to compare with. Each takes and gives
// what history's own codec does, except for quality.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "twin/model/row.h"

namespace edgetwin::bench {

enum class Times { kNone, kDeltaOfDelta };

// Facebook's Gorilla (Pelkonen et al., VLDB 2015): delta-of-delta time stamps, interleaved with
// each value's XOR with the one before. Time stamps are milliseconds here and not seconds.
std::string GorillaEncode(std::span<const model::Sample> samples, Times times);
std::vector<model::Sample> GorillaDecode(const std::string& bytes, std::size_t count, Times times);

// Chimp128 (Liakos, Papakonstantinopoulou and Kotidis, VLDB 2022): XOR with the one of the last 128
// values that promises most zeros. Values only.
std::string Chimp128Encode(std::span<const model::Sample> samples);
std::vector<model::Sample> Chimp128Decode(const std::string& bytes, std::size_t count);

}  // namespace edgetwin::bench
