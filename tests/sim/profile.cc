// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/profile.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace edgetwin::sim {
namespace {

using H = Happening;

constexpr std::array<std::string_view, kHappenings> kNames = {"cut",
                                                              "partition",
                                                              "broker_crash",
                                                              "slow_link",
                                                              "device_kill",
                                                              "device_power",
                                                              "device_tear",
                                                              "device_stop",
                                                              "cloud_kill",
                                                              "cloud_power",
                                                              "cloud_tear",
                                                              "cloud_stop",
                                                              "cloud_restore",
                                                              "device_restore",
                                                              "clone",
                                                              "board_swap",
                                                              "device_full",
                                                              "device_io",
                                                              "cloud_full",
                                                              "cloud_io",
                                                              "slow_disk",
                                                              "wall_jump",
                                                              "clock_lost",
                                                              "driver_fault",
                                                              "drift",
                                                              "poison",
                                                              "rot",
                                                              "desired",
                                                              "desired_until",
                                                              "unwant",
                                                              "desired_unknown",
                                                              "override",
                                                              "release",
                                                              "command",
                                                              "redefine",
                                                              "new_property",
                                                              "undefine",
                                                              "local_only",
                                                              "interest",
                                                              "alarm_flood",
                                                              "admit"};

LinkQuality Quality(std::uint32_t loss, std::uint32_t repeat, std::uint32_t overtake) {
  LinkQuality quality;
  quality.loss_ppm = loss;
  quality.repeat_ppm = repeat;
  quality.overtake_ppm = overtake;
  return quality;
}

Profile Make(std::string_view name, std::string_view what, LinkQuality link,
             std::vector<std::pair<H, std::uint32_t>> every) {
  Profile profile;
  profile.name = name;
  profile.what = what;
  profile.link = link;
  // People are never idle for long.
  profile.every(H::kDesired) = 20;
  for (const auto& [happening, seconds] : every) profile.every(happening) = seconds;
  return profile;
}

std::vector<Profile> MakeProfiles() {
  std::vector<Profile> all;
  all.push_back(Make("quiet", "hardly anything goes wrong", Quality(500, 500, 500),
                     {{H::kCut, 120}, {H::kOverride, 90}, {H::kCommand, 90}}));
  all.push_back(Make("lossy", "a bad network", Quality(80'000, 40'000, 80'000),
                     {{H::kCut, 90},
                      {H::kPartition, 120},
                      {H::kBrokerCrash, 300},
                      {H::kSlowLink, 120},
                      {H::kCommand, 60},
                      {H::kOverride, 120}}));
  all.push_back(Make("crashy", "everything stops and starts", Quality(5'000, 5'000, 5'000),
                     {{H::kDeviceKill, 90},
                      {H::kDevicePower, 90},
                      {H::kDeviceTear, 60},
                      {H::kDeviceStop, 240},
                      {H::kCloudKill, 150},
                      {H::kCloudPower, 150},
                      {H::kCloudTear, 120},
                      {H::kCloudStop, 400},
                      {H::kBrokerCrash, 300},
                      {H::kOverride, 60},
                      {H::kRelease, 200},
                      {H::kDriverFault, 60},
                      {H::kDrift, 60},
                      {H::kCommand, 40}}));
  all.push_back(Make("rollback", "backups and images are restored", Quality(5'000, 5'000, 5'000),
                     {{H::kAdmit, 40},
                      {H::kCloudRestore, 150},
                      {H::kDeviceRestore, 170},
                      {H::kDeviceTear, 150},
                      {H::kCloudKill, 200},
                      {H::kNewProperty, 80},
                      {H::kBoardSwap, 900},
                      {H::kCut, 100},
                      {H::kDesired, 10},
                      {H::kOverride, 100},
                      {H::kCommand, 40}}));
  all.push_back(Make("clones", "two machines claim to be one device", Quality(5'000, 5'000, 5'000),
                     {{H::kAdmit, 90},
                      {H::kClone, 200},
                      {H::kDeviceKill, 120},
                      {H::kDeviceRestore, 400},
                      {H::kCloudKill, 200},
                      {H::kPartition, 150},
                      {H::kCut, 60},
                      {H::kCommand, 40}}));
  all.push_back(Make("schema", "properties come, go and change", Quality(10'000, 10'000, 10'000),
                     {{H::kRedefine, 30},
                      {H::kNewProperty, 40},
                      {H::kUndefine, 60},
                      {H::kLocalOnly, 45},
                      {H::kInterest, 45},
                      {H::kDesiredUnknown, 40},
                      {H::kPoison, 90},
                      {H::kDeviceTear, 90},
                      {H::kAdmit, 60},
                      {H::kDeviceRestore, 300},
                      {H::kCloudKill, 150},
                      {H::kCut, 100}}));
  all.push_back(Make("commands", "much is asked for", Quality(30'000, 30'000, 30'000),
                     {{H::kCommand, 6},
                      {H::kDesired, 8},
                      {H::kDesiredUntil, 20},
                      {H::kUnwant, 40},
                      {H::kOverride, 25},
                      {H::kRelease, 60},
                      {H::kDriverFault, 25},
                      {H::kDrift, 40},
                      {H::kDeviceTear, 60},
                      {H::kDevicePower, 90},
                      {H::kCloudTear, 120},
                      {H::kCloudRestore, 400},
                      {H::kCut, 60}}));
  all.push_back(Make("diskfault", "disks fill, fail and are slow", Quality(5'000, 5'000, 5'000),
                     {{H::kDeviceDiskFull, 60},
                      {H::kDeviceIoError, 45},
                      {H::kCloudDiskFull, 120},
                      {H::kCloudIoError, 60},
                      {H::kSlowDisk, 90},
                      {H::kDeviceTear, 90},
                      {H::kCloudTear, 120},
                      {H::kAlarmFlood, 120},
                      {H::kOverride, 100},
                      {H::kCommand, 60},
                      {H::kCut, 120}}));
  all.push_back(Make("clock", "wall clocks jump, or are not trusted", Quality(5'000, 5'000, 5'000),
                     {{H::kWallJump, 25},
                      {H::kClockLost, 120},
                      {H::kDevicePower, 120},
                      {H::kCut, 90},
                      {H::kCommand, 60}}));
  all.push_back(Make("fleet", "many devices on one cloud", Quality(5'000, 5'000, 5'000),
                     {{H::kDeviceKill, 20},
                      {H::kDeviceTear, 15},
                      {H::kCloudTear, 200},
                      {H::kBrokerCrash, 250},
                      {H::kCut, 10},
                      {H::kCloudRestore, 500},
                      {H::kDeviceRestore, 60},
                      {H::kPoison, 60},
                      {H::kAdmit, 30},
                      {H::kDesired, 3},
                      {H::kCommand, 5}}));
  all.back().devices = 20;
  all.back().properties = 8;
  all.push_back(Make("rot", "stores hold other rows than they were given",
                     Quality(2'000, 2'000, 2'000),
                     {{H::kRot, 50},
                      {H::kCloudKill, 150},
                      {H::kDeviceKill, 150},
                      {H::kCut, 60},
                      {H::kDesired, 5}}));
  all.back().properties = 260;
  all.back().rot_rows_max = 40;
  all.push_back(Make("history", "samples are recorded, and go to the cloud beside what is live",
                     Quality(10'000, 10'000, 10'000),
                     {{H::kCut, 60},
                      {H::kPartition, 120},
                      {H::kSlowLink, 200},
                      {H::kDeviceKill, 90},
                      {H::kDeviceTear, 90},
                      {H::kDevicePower, 150},
                      {H::kDeviceStop, 200},
                      {H::kDeviceIoError, 150},
                      {H::kDeviceDiskFull, 200},
                      {H::kCloudKill, 120},
                      {H::kCloudTear, 120},
                      {H::kCloudIoError, 200},
                      {H::kCloudRestore, 200},
                      {H::kDeviceRestore, 300},
                      {H::kAdmit, 60}}));
  all.back().history = true;
  all.push_back(Make("accidents", "a story of what is too seldom for chance, then a bad day",
                     Quality(5'000, 5'000, 5'000),
                     {{H::kCut, 60},
                      {H::kPartition, 200},
                      {H::kDeviceKill, 120},
                      {H::kDeviceTear, 120},
                      {H::kCloudKill, 200},
                      {H::kAdmit, 60},
                      {H::kOverride, 90},
                      {H::kCommand, 40}}));
  Profile mixed = Make("mixed", "all of it", Quality(20'000, 10'000, 20'000), {});
  for (std::size_t i = 0; i < kHappenings; ++i) mixed.every_s[i] = 240;
  mixed.every(H::kDesired) = 12;
  mixed.every(H::kCommand) = 25;
  mixed.every(H::kOverride) = 60;
  mixed.every(H::kDeviceTear) = 90;
  mixed.every(H::kCloudRestore) = 500;
  mixed.every(H::kDeviceRestore) = 500;
  mixed.every(H::kClone) = 700;
  mixed.every(H::kAdmit) = 60;
  mixed.every(H::kBoardSwap) = 1'500;
  mixed.history = true;
  all.push_back(mixed);
  return all;
}

}  // namespace

std::string_view ToString(Happening happening) {
  return kNames[static_cast<std::size_t>(happening)];
}

bool IsFault(Happening happening) {
  return happening <= Happening::kRot;
}

std::span<const Profile> Profiles() {
  static const std::vector<Profile> kProfiles = MakeProfiles();
  return kProfiles;
}

const Profile* FindProfile(std::string_view name) {
  const auto found = std::ranges::find(Profiles(), name, &Profile::name);
  return found == Profiles().end() ? nullptr : &*found;
}

}  // namespace edgetwin::sim
