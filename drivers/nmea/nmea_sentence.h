// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One sentence of NMEA 0183: what it says, as quantities. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::nmea {

enum class Quantity : std::uint8_t {
  kLatitude,  // Degrees, north and east positive; of WGS 84 or what the receiver is set to.
  kLongitude,
  kAltitude,    // Metres above mean sea level.
  kSpeed,       // Metres a second over ground.
  kCourse,      // Degrees over ground, from true north.
  kFixQuality,  // As GGA has it: 0 none, 1 GNSS, 2 differential, 4 RTK, 5 RTK float, ….
  kFixMode,     // As GSA has it: 1 none, 2 two-dimensional, 3 three-dimensional.
  kSatellites,  // In use.
  kHdop,        // Dilutions of precision.
  kPdop,
  kVdop,
  kTime,  // Seconds since 1970-01-01T00:00:00Z.
};
inline constexpr std::size_t kQuantities = 12;

struct Reading {
  Quantity quantity = Quantity::kLatitude;
  std::optional<double> value;  // None: the receiver says that it doesn't know.
  friend bool operator==(const Reading&, const Reading&) = default;
};

// What GGA, GLL, GSA, RMC, VTG and ZDA of any talker say; nothing of other sentences.
// kCorrupt: the checksum is missing or wrong, or it is no sentence. kInvalid: the checksum is right
// but a field is not what the sentence has there; nothing of it is taken.
Result<std::vector<Reading>> ReadSentence(std::string_view line);

}  // namespace edgetwin::nmea
