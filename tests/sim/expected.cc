// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/expected.h"

#include <algorithm>
#include <initializer_list>

namespace edgetwin::sim {
namespace {

using H = Happening;

bool Any(const Profile& profile, std::initializer_list<H> kinds) {
  return std::ranges::any_of(
      kinds, [&](H kind) { return profile.every_s[static_cast<std::size_t>(kind)] != 0; });
}

}  // namespace

Expected ExpectedOf(const Profile& profile) {
  Expected expected;
  for (std::size_t i = 0; i < kHappenings; ++i) {
    if (profile.every_s[i] == 0) continue;
    const auto kind = static_cast<H>(i);
    (IsFault(kind) ? expected.faults : expected.asked).emplace_back(ToString(kind));
  }
  const auto fault = [&expected](bool there, const char* name) {
    if (there) expected.faults.emplace_back(name);
  };
  fault(profile.link.loss_ppm != 0, "frames_lost");
  fault(profile.link.repeat_ppm != 0, "frames_repeated");
  fault(profile.link.overtake_ppm != 0, "frames_overtaken");
  // Between two commits, nothing is unsynced: only what stops a machine in one tears.
  const bool tears = Any(profile, {H::kDeviceTear, H::kCloudTear});
  for (const char* name : {"writes_lost", "writes_torn", "writes_kept"}) fault(tears, name);
  fault(Any(profile, {H::kDeviceIoError, H::kCloudIoError}), "io_errors");
  fault(Any(profile, {H::kDeviceDiskFull, H::kCloudDiskFull}), "disk_full_errors");

  auto& exempt = expected.exempt;
  if (!profile.history) exempt[11] = "no samples are recorded";
  if (!Any(profile, {H::kDeviceRestore, H::kClone})) {
    exempt[7] = "no device's store is copied or set back, so none comes with an older epoch";
  }
  // After a setback of the cloud alone the lineage says what is missing: nothing is compared.
  if (!Any(profile, {H::kRot, H::kDeviceRestore, H::kClone})) {
    exempt[10] = "no store holds other rows than its lineage says, so nothing is healed";
  }
  if (!Any(profile, {H::kWallJump})) {
    exempt[13] = "no wall clock jumps";
  } else if (Any(profile, {H::kDesiredUntil, H::kOverride})) {
    exempt[13] = "ends by the clock are asked for, which jumps are to change";
  }
  if (!Any(profile, {H::kPoison})) exempt[14] = "nothing is sent that the cloud refuses";
  return expected;
}

}  // namespace edgetwin::sim
