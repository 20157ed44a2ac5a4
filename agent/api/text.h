// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How the API and the CLI say things to people.

#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "twin/base/clock.h"
#include "twin/model/property.h"

namespace edgetwin::api {

// The value with its decimals and unit: "2.41 bar"; "no value" for none.
std::string Shown(const model::Value& value, const model::PropertyDef& def);
// "3 s", "5 min", "2 h 10 min", "3 days"; never negative.
std::string Span(std::chrono::milliseconds span);
// "now", "3 s ago", "in 5 min".
std::string Relative(std::chrono::milliseconds since);
// In local time; with the date when it isn't today's: "14:03:22", "2026-07-01 14:03:22".
std::string LocalTime(WallTime time, WallTime now);
// "14:03:22 (3 s ago)".
std::string When(WallTime time, WallTime now);
// "12,345".
std::string Grouped(std::uint64_t number);
// "1 property", "3 properties".
std::string Count(std::uint64_t number, std::string_view one, std::string_view many);
// "12 KiB".
std::string Bytes(std::uint64_t bytes);

}  // namespace edgetwin::api
