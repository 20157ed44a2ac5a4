// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What happens to a simulated world, and how often.

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "tests/sim/network.h"

namespace edgetwin::sim {

// Everything that comes from outside of the programs under test. Each kind has chance of its own,
// so that leaving one out does not move the others.
enum class Happening : std::uint8_t {
  // Faults.
  kCut,        // A connection breaks.
  kPartition,  // A connection goes silent.
  kBrokerCrash,
  kSlowLink,  // A connection carries a few KB a second for a while.
  kDeviceKill,
  kDevicePower,  // The device's power goes, between two commits …
  kDeviceTear,   // … or in the middle of one.
  kDeviceStop,   // Stopped cleanly.
  kCloudKill,
  kCloudPower,
  kCloudTear,
  kCloudStop,
  kCloudRestore,   // From a backup made earlier.
  kDeviceRestore,  // From an image made earlier.
  kClone,          // A second machine with a copy of the disk, under the same device id.
  kBoardSwap,      // Another board with an empty disk, adopted by an operator.
  kDeviceDiskFull,
  kDeviceIoError,
  kCloudDiskFull,
  kCloudIoError,
  kSlowDisk,     // Commits take seconds.
  kWallJump,     // The device's wall clock is set, forward or back.
  kClockLost,    // No trusted clock until somebody tells the time.
  kDriverFault,  // The driver fails, or its answer is lost.
  kDrift,        // Somebody turns a knob at the plant.
  kPoison,       // A value that the cloud refuses for ever.
  kRot,          // Rows of a store are other ones, and nobody is told.
  // What people do.
  kDesired,
  kDesiredUntil,  // With an end.
  kUnwant,
  kDesiredUnknown,  // Of a path that no driver knows.
  kOverride,
  kRelease,
  kCommand,
  kRedefine,  // Another unit, type, number of decimals.
  kNewProperty,
  kUndefine,
  kLocalOnly,  // Shared ↔ local-only.
  kInterest,
  kAlarmFlood,  // Many events at once.
  kAdmit,       // An operator lets in a device that is fenced.
};
inline constexpr std::size_t kHappenings = static_cast<std::size_t>(Happening::kAdmit) + 1;
std::string_view ToString(Happening happening);
bool IsFault(Happening happening);

struct Profile {
  std::string_view name;
  std::string_view what;
  LinkQuality link;
  // Seconds between two of a kind on average, in the whole world; 0: never.
  std::array<std::uint32_t, kHappenings> every_s{};
  std::uint32_t properties = 16;
  std::uint32_t devices = 1;
  std::uint32_t rot_rows_max = 4;
  bool history = false;              // Samples are recorded, and go to the cloud.
  std::uint32_t tear_ppm = 500'000;  // Of power losses: torn; the others keep or lose everything.

  std::uint32_t& every(Happening happening) { return every_s[static_cast<std::size_t>(happening)]; }
};

std::span<const Profile> Profiles();
// Null when there is none.
const Profile* FindProfile(std::string_view name);

}  // namespace edgetwin::sim
