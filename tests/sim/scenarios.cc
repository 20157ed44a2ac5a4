// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/scenarios.h"

#include <array>

namespace edgetwin::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What may happen beside the story. Each leaves what the story is about possible.
constexpr std::array kAsides = {
    Happening::kCut,        Happening::kDesired,     Happening::kDesiredUntil,
    Happening::kUnwant,     Happening::kCommand,     Happening::kOverride,
    Happening::kRelease,    Happening::kDriverFault, Happening::kDrift,
    Happening::kAlarmFlood, Happening::kSlowDisk,    Happening::kSlowLink,
    Happening::kPartition,  Happening::kNewProperty};
constexpr std::uint32_t kAsidePpm = 250'000;  // Of waits.
constexpr std::size_t kScenarioProperties = 14;

std::uint64_t Hash(std::string_view text) {  // FNV-1a.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

void Nothing(World&, Teller&) {}

void Meet(World& world, Teller& teller) {
  // Not in a quarter of the time: to be live takes some.
  world.RunFor(seconds(8) + teller.Time(seconds(2)) - seconds(2));
}

void MeetAndCopy(World& world, Teller& teller) {
  world.RunFor(seconds(50));  // The first backups and images are made after 45.
  for (std::uint64_t n = teller.Number(1, 1, 3); n > 0; --n) world.Happen(Happening::kDesired);
  world.Happen(Happening::kNewProperty);
  teller.Wait(world, seconds(4));
}

void CutOff(World& world, microseconds length) {
  world.network().Partition(world.device(0).port(), length, seconds(1));
}

void Greet(World& world, Teller& teller) {
  teller.Wait(world, seconds(5));
}

void Sample(World& world, Teller& teller) {
  teller.Wait(world, seconds(2));
  CutOff(world, teller.Time(seconds(5)));  // Without acks, samples are committed.
  teller.Wait(world, seconds(10));
}

void Want(World& world, Teller& teller) {
  std::vector<Happening> wants(static_cast<std::size_t>(teller.Number(3, 2, 5)),
                               Happening::kDesired);
  wants.push_back(Happening::kDesiredUnknown);
  if (!teller.plain()) wants.insert(wants.end(), {Happening::kUnwant, Happening::kDesiredUntil});
  teller.Shuffle(wants);
  for (const Happening want : wants) {
    world.Happen(want);
    if (want == Happening::kDesired) teller.Wait(world, milliseconds(400));
  }
  teller.Wait(world, seconds(2));
}

void Hold(World& world, Teller& teller) {
  const auto length = std::chrono::duration_cast<milliseconds>(teller.Time(milliseconds(2'500)));
  world.device(0).Override("plant/p1", world.NextWanted(0, model::ValueType::kDouble), length);
  for (std::uint64_t n = teller.Number(1, 1, 3); n > 0; --n) {
    world.Happen(Happening::kDesired);
    if (!teller.plain()) teller.Wait(world, milliseconds(700));
  }
  if (teller.Number(0, 0, 3) == 3) world.Happen(Happening::kRelease);
  teller.Wait(world, seconds(5));
}

void Command(World& world, Teller& teller) {
  for (std::uint64_t n = teller.Number(4, 2, 7); n > 0; --n) {
    world.Happen(Happening::kCommand);
    teller.Wait(world, milliseconds(300));
  }
  teller.Wait(world, seconds(2));
}

void Heal(World& world, Teller& teller) {
  for (std::uint64_t n = teller.Number(1, 1, 2); n > 0; --n) {
    world.Happen(Happening::kRot);
    teller.Wait(world, seconds(12));
  }
}

void Fence(World& world, Teller& teller) {
  world.Happen(Happening::kClone);
  teller.Wait(world, seconds(30));
}

void Migrate(World& world, Teller& teller) {
  std::vector<Happening> changes = {Happening::kRedefine, Happening::kLocalOnly,
                                    Happening::kNewProperty, Happening::kUndefine,
                                    Happening::kLocalOnly};
  if (!teller.plain()) {
    for (std::uint64_t n = teller.Number(0, 0, 3); n > 0; --n) {
      changes.push_back(changes[static_cast<std::size_t>(teller.random().Below(changes.size()))]);
    }
  }
  teller.Shuffle(changes);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    world.Happen(changes[i]);
    if (i == 1) teller.Wait(world, seconds(2));
  }
  teller.Wait(world, seconds(3));
}

void Interest(World& world, Teller& teller) {
  for (std::uint64_t n = teller.Number(3, 2, 5); n > 0; --n) {
    std::array<Happening, 2> both = {Happening::kDesired, Happening::kInterest};
    teller.Shuffle(both);
    for (const Happening each : both) world.Happen(each);
    teller.Wait(world, seconds(2));
  }
}

void Forget(World& world, Teller& teller) {
  CutOff(world, teller.Time(seconds(4)));
  for (std::uint64_t n = teller.Number(3, 2, 4); n > 0; --n) {
    world.device(0).AddEvents(static_cast<std::size_t>(teller.Number(40, 10, 90)));
    teller.Wait(world, seconds(1));
  }
  teller.Wait(world, seconds(6));
}

void Fill(World& world, Teller& teller) {
  CutOff(world, teller.Time(seconds(4)));
  world.device(0).machine().FillDisk(teller.Time(seconds(4)));
  world.cloud().machine().FillDisk(teller.Time(seconds(3)));
  for (std::uint64_t n = teller.Number(1, 1, 3); n > 0; --n) world.Happen(Happening::kDesired);
  teller.Wait(world, seconds(9));
}

void ShutDown(World& world, Teller& teller) {
  world.Happen(Happening::kDesired);
  if (!teller.plain()) teller.Wait(world, milliseconds(300));
  std::array<bool, 2> devices_turn = {true, false};
  teller.Shuffle(devices_turn);
  for (const bool device : devices_turn) {
    if (device) {
      world.device(0).Stop();
      world.device(0).StartAfter(teller.Time(seconds(1)));
      teller.Wait(world, seconds(2));
    } else {
      world.cloud().Stop();
      world.cloud().StartAfter(teller.Time(seconds(1)));
      teller.Wait(world, devices_turn[0] ? seconds(3) : seconds(2));
    }
  }
}

void RestoreCloud(World& world, Teller& teller) {
  world.Happen(Happening::kCloudRestore);
  teller.Wait(world, seconds(35));
}

void RestoreDevice(World& world, Teller& teller) {
  world.Happen(Happening::kDeviceRestore);
  teller.Wait(world, seconds(30));
}

void Adopt(World& world, Teller& teller) {
  world.Happen(Happening::kBoardSwap);
  teller.Wait(world, seconds(20));
}

}  // namespace

Teller::Teller(std::uint64_t seed, std::string_view scenario)
    : seed_(seed), plain_(seed == 1), random_(seed ^ Hash(scenario)) {}

WorldOptions Teller::Options() const {
  WorldOptions options;
  options.seed = seed_;
  options.profile.name = "scenario";
  options.profile.properties = kScenarioProperties;
  options.faults_min = 0;
  options.moving_on = seconds(3);
  options.replay_pause = milliseconds(20);
  if (plain_) return options;
  Random random = random_.Fork(1);
  // Below six, nothing is writable, or nothing secret.
  options.profile.properties = static_cast<std::uint32_t>(random.Between(7, 24));
  if (random.Below(5) == 0) options.devices = 2;
  LinkQuality& link = options.profile.link;
  link.delay = microseconds(random.Between(500, 60'000));
  link.jitter = microseconds(random.Between(500, 40'000));
  if (random.Below(2) == 0) {
    link.loss_ppm = static_cast<std::uint32_t>(random.Below(40'000));
    link.repeat_ppm = static_cast<std::uint32_t>(random.Below(40'000));
    link.overtake_ppm = static_cast<std::uint32_t>(random.Below(40'000));
  }
  return options;
}

microseconds Teller::Time(microseconds usual) {
  if (plain_) return usual;
  const auto us = static_cast<std::uint64_t>(usual.count());
  return microseconds(random_.Between(us / 4, us * 2));
}

std::uint64_t Teller::Number(std::uint64_t usual, std::uint64_t low, std::uint64_t high) {
  return plain_ ? usual : random_.Between(low, high);
}

void Teller::Wait(World& world, microseconds usual) {
  if (plain_) return world.RunFor(usual);
  const microseconds time = Time(usual);
  if (!random_.Chance(kAsidePpm)) return world.RunFor(time);
  const auto before = microseconds(random_.Below(static_cast<std::uint64_t>(time.count()) + 1));
  world.RunFor(before);
  world.Happen(kAsides[static_cast<std::size_t>(random_.Below(kAsides.size()))]);
  world.RunFor(time - before);
}

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> kScenarios = {
      {"first_contact", "both start with empty disks", Nothing, Greet},
      {"steady_state", "samples, with and without the cloud", Meet, Sample},
      {"desired", "values are wanted and written", Meet, Want},
      {"override_expiry", "a technician's hold ends", Meet, Hold},
      {"command", "something is asked for once", Meet, Command},
      {"healing", "rows have changed behind everybody's back", Meet, Heal},
      {"fencing", "a copy of the device appears", Meet, Fence},
      {"migration", "properties change their meaning and come and go", Meet, Migrate},
      {"interest_change", "the device wants to hold other properties", Meet, Interest},
      {"retention", "more happens than is kept", Meet, Forget},
      {"disk_full", "no room on either side", Meet, Fill},
      {"clean_shutdown", "both stop and start again", Meet, ShutDown},
      {"cloud_restore", "the cloud's backup comes back", MeetAndCopy, RestoreCloud},
      {"device_restore", "the device's image comes back", MeetAndCopy, RestoreDevice},
      {"adoption", "another board takes the device's place", Meet, Adopt},
  };
  return kScenarios;
}

}  // namespace edgetwin::sim
