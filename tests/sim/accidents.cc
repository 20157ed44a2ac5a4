// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/accidents.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "sync/engine/digest.h"
#include "sync/engine/sketch.h"
#include "twin/base/check.h"

namespace edgetwin::sim {
namespace {

using model::Side;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

microseconds Some(Random& random, microseconds low, microseconds high) {
  return low + microseconds(random.Below(static_cast<std::uint64_t>((high - low).count()) + 1));
}

void Wait(World& world, Random& random, microseconds low, microseconds high) {
  world.RunFor(Some(random, low, high));
}

// Until it is so, or for `max` in vain: then the story goes on with less to tell.
bool Until(World& world, microseconds step, microseconds max, const std::function<bool()>& so) {
  for (microseconds waited{0}; waited < max; waited += step) {
    if (so()) return true;
    world.RunFor(step);
  }
  return so();
}

bool Live(const Device& device) {
  return device.running() && device.live_since().has_value();
}

void Meet(World& world, Random& random) {
  Wait(world, random, seconds(6), seconds(15));
}

// The actuators' paths, in the plant's order.
std::vector<std::string> Actuators(Device& device) {
  std::vector<std::string> paths;
  for (const PlantProperty& property : device.plant().properties()) {
    const bool shared = property.def.writable && !property.def.local_only;
    if (shared && property.def.type != model::ValueType::kBool) {
      paths.push_back(property.def.path.text());
    }
  }
  return paths;
}

void Want(World& world, Device& device, const std::string& path) {
  const PlantProperty* property = device.plant().Find(path);
  (void)world.SetWanted(device, path, world.values().Next(property->def.type), {});
}

// Several are wanted, and the device has said what became of it.
void WantSome(World& world, Random& random) {
  const std::vector<std::string> paths = Actuators(world.device(0));
  const std::size_t first = random.Below(paths.size());
  for (std::size_t i = 0; i < 2; ++i) {
    Want(world, world.device(0), paths[(first + i) % paths.size()]);
    Wait(world, random, milliseconds(300), seconds(2));
  }
  Wait(world, random, seconds(4), seconds(7));
}

void StartAndGreet(World& world, Device& device) {
  device.StartAfter(milliseconds(500));
  Until(world, milliseconds(100), seconds(30), [&] { return Live(device); });
}

void Restart(World& world, Random& random, Device& device) {
  device.Kill();
  Wait(world, random, seconds(1), seconds(4));
  StartAndGreet(world, device);
}

// The cloud is another one now, and the device has followed it.
void SetCloudBack(World& world, Random& random, const Cloud::Backup& backup) {
  world.SetCloudBack(backup);
  world.cloud().StartAfter(Some(random, milliseconds(500), seconds(5)));
  Wait(world, random, seconds(22), seconds(30));
}

// --- Who may speak ---

// The same image is put back twice; the second time, its epoch is over.
void OldImageAgain(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const Device::Image image = device.TakeImage();
  WantSome(world, random);
  world.SetDeviceBack(device, image);
  StartAndGreet(world, device);
  Wait(world, random, seconds(1), seconds(10));
  world.SetDeviceBack(device, image);
  device.StartAfter(milliseconds(500));
  Wait(world, random, seconds(15), seconds(25));
}

// A cloud's backup is put back twice: the second time, the device is ahead of it.
void CloudBehind(World& world, Random& random) {
  Meet(world, random);
  const Cloud::Backup backup = world.cloud().TakeBackup();
  for (int i = 0; i < 2; ++i) {
    WantSome(world, random);
    SetCloudBack(world, random, backup);
  }
}

// Two histories of the cloud have given an epoch of the same counter, each to another branch.
void EpochGivenTwice(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const Device::Image image = device.TakeImage();
  WantSome(world, random);
  Restart(world, random, device);
  WantSome(world, random);
  const Cloud::Backup backup = world.cloud().TakeBackup();
  world.SetDeviceBack(device, image);
  StartAndGreet(world, device);  // The second epoch.
  Wait(world, random, seconds(1), seconds(8));
  device.Kill();
  world.SetCloudBack(backup);
  world.cloud().StartAfter(seconds(1));
  Device& copy = world.AddClone(device, image);
  StartAndGreet(world, copy);  // Another second epoch.
  Wait(world, random, seconds(1), seconds(8));
  copy.Kill();
  device.StartAfter(Some(random, seconds(1), seconds(4)));
  Wait(world, random, seconds(15), seconds(25));
}

// A branch that was given up comes back with an epoch above the one of who took its place.
void BranchFromAhead(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const Device::Image image = device.TakeImage();
  WantSome(world, random);
  Restart(world, random, device);
  WantSome(world, random);
  const Cloud::Backup backup = world.cloud().TakeBackup();
  for (int i = 0; i < 2; ++i) {
    WantSome(world, random);
    SetCloudBack(world, random, backup);
  }
  device.Kill();  // In the third epoch.
  world.SetCloudBack(backup);
  world.cloud().StartAfter(seconds(1));
  Device& copy = world.AddClone(device, image);
  StartAndGreet(world, copy);  // In the second.
  Wait(world, random, seconds(1), seconds(8));
  copy.Kill();
  device.StartAfter(Some(random, seconds(1), seconds(4)));
  Wait(world, random, seconds(15), seconds(25));
}

// An older copy takes a device's place that is out of reach, and gives the numbers that this one
// gives, too. When it says Hello again, it carries what it has found out since.
void BranchFromOutside(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const Device::Image image = device.TakeImage();
  Restart(world, random, device);
  Meet(world, random);
  const auto silence = Some(random, seconds(40), seconds(50));
  world.network().Partition(device.port(), silence, milliseconds(100));
  Wait(world, random, seconds(1), seconds(4));
  Device& copy = world.AddClone(device, image);
  std::vector<std::uint32_t> moves;  // The copy has less to tell meanwhile.
  for (PlantProperty& property : copy.plant().properties()) {
    moves.push_back(std::exchange(property.moves_ppm, 0));
  }
  StartAndGreet(world, copy);
  Until(world, milliseconds(100), seconds(120),
        [&] { return device.engine().status().state == sync::SyncState::kFenced; });
  for (std::size_t i = 0; i < moves.size(); ++i) copy.plant().properties()[i].moves_ppm = moves[i];
  Wait(world, random, seconds(15), seconds(25));
}

// The store is set back twice: to an image, and then to one that was made of this before it heard
// that it had been set back, and that has all that the cloud was promised since.
void ImageFromBefore(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const std::vector<std::string> paths = Actuators(device);
  device.FailDrivers(seconds(20));
  Want(world, device, paths[0]);
  Wait(world, random, seconds(4), seconds(7));
  const Device::Image first = device.TakeImage();  // It waits for its driver.
  Wait(world, random, seconds(20), seconds(24));
  Want(world, device, paths[1]);
  Wait(world, random, seconds(4), seconds(7));
  world.SetDeviceBack(device, first);
  const auto silence = Some(random, seconds(20), seconds(30));
  world.network().Partition(device.port(), silence, silence);
  device.Start();
  world.RunFor(silence - seconds(1));
  const Device::Image second = device.TakeImage();
  // So slow that what is promised arrives well before the rest.
  LinkQuality slow = world.network().quality();
  slow.bytes_per_s = random.Between(800, 1'500);
  world.network().SetQuality(device.port(), slow);
  const std::uint64_t promised = device.engine().status().control_head;
  Until(world, milliseconds(5), seconds(40), [&] {
    const sync::CloudSession* session = world.cloud().session(device.device());
    return session != nullptr && session->status().control >= promised;
  });
  // What is asked for now is done, and the answer to it is lost.
  const PlantProperty* asked = device.plant().Find(paths[0]);
  const model::Value before = asked->value;
  (void)world.Command(device, paths[0], seconds(300));
  Until(world, milliseconds(2), seconds(5), [&] { return !(asked->value == before); });
  world.SetDeviceBack(device, second);
  world.network().SetQuality(device.port(), world.network().quality());
  StartAndGreet(world, device);
  Wait(world, random, seconds(10), seconds(15));
}

// A second cloud, from a backup of the first, answers in its place, and people ask it for things.
void SecondCloud(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const Cloud::Backup backup = world.cloud().TakeBackup();
  WantSome(world, random);
  Cloud& stranger = world.StartStranger(backup);
  Wait(world, random, seconds(15), seconds(25));
  for (const std::string& path : Actuators(device)) {
    // Nobody wants this of the device.
    const model::ValueType type = device.plant().Find(path)->def.type;
    (void)stranger.SetDesired(device.device(), path, world.values().Next(type), {});
    Wait(world, random, milliseconds(100), seconds(2));
  }
  Wait(world, random, seconds(5), seconds(15));
  stranger.Kill();
  Wait(world, random, seconds(5), seconds(10));
}

// --- What is durable ---

// Much changes while nothing can be committed.
void OutOfNumbers(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  for (PlantProperty& property : device.plant().properties()) {
    if (!property.def.writable) property.moves_ppm = 1'000'000;
  }
  Wait(world, random, seconds(1), seconds(10));
  device.machine().FillDisk(Some(random, seconds(110), seconds(120)));
  Wait(world, random, seconds(130), seconds(140));
}

// A command has reached the device and is not on its flash yet when the connection breaks; the
// cloud that comes back is a backup, in another epoch, that never heard of it.
void LateCommand(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const Cloud::Backup backup = world.cloud().TakeBackup();
  WantSome(world, random);
  const std::vector<std::string> paths = Actuators(device);
  device.machine().SlowDown(seconds(60));
  Wait(world, random, seconds(1), seconds(4));
  (void)world.Command(device, paths[random.Below(paths.size())], seconds(300));
  Wait(world, random, milliseconds(120), milliseconds(400));
  world.network().Partition(device.port(), seconds(6), microseconds(100));
  world.RunFor(milliseconds(1));
  SetCloudBack(world, random, backup);
}

// The power goes during a long override, with or without a clock that survives it.
void HoldOverPowerLoss(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const std::vector<std::string> paths = Actuators(device);
  const std::string path = paths[random.Below(paths.size())];
  const model::ValueType type = device.plant().Find(path)->def.type;
  if (random.Below(2) == 0) device.LoseClock();
  device.Override(path, world.NextWanted(0, type), seconds(400));
  Wait(world, random, seconds(300), seconds(380));
  device.LosePower(PowerLoss::kLoseAll);
  if (random.Below(2) == 0) device.LoseClock();
  device.StartAfter(seconds(2));
  Wait(world, random, seconds(260), seconds(300));
}

// --- Healing ---

// The first of the device's whole numbers becomes another one whose hash is the same in what a list
// of hashes compares (24 bits of it; see hash_list.cc). Takes some seconds at worst: in the
// canonical bytes only the number is exchanged.
model::Batch Colliding(const model::Stored& stored, std::uint32_t salt) {
  constexpr std::uint64_t kCompared = (1u << 24) - 1;
  model::Batch batch;
  for (const model::RowChange& change : stored.rows) {
    const model::Pid pid = stored.properties[model::Index(change.id)].pid;
    const bool integer = change.row.value.type() == model::ValueType::kInt;
    if (change.side != Side::kReported || pid == 0 || !integer) continue;
    model::RowChange other = change;
    const auto canonical = [&](std::int64_t value) {
      other.row.value = model::Value(value);
      std::string bytes;
      sync::AppendCanonical(bytes, pid, change.side, other.row);
      return bytes;
    };
    std::string bytes = canonical(0);
    const std::string ones = canonical(-1);
    const auto at =
        static_cast<std::size_t>(std::ranges::mismatch(bytes, ones).in1 - bytes.begin());
    const auto hash = [&] {
      return (XXH64(bytes.data(), bytes.size(), salt) % (sync::kSketchPrime - 1) + 1) & kCompared;
    };
    const std::uint64_t wanted = sync::SketchHash(pid, change.side, change.row, salt) & kCompared;
    for (std::int64_t value = 1'000'000;; ++value) {
      std::memcpy(bytes.data() + at, &value, sizeof value);
      if (hash() != wanted) continue;
      other.row.value = model::Value(value);
      EDGETWIN_CHECK((sync::SketchHash(pid, change.side, other.row, salt) & kCompared) == wanted);
      break;
    }
    batch.rows.push_back(std::move(other));
    return batch;
  }
  return batch;
}

model::Batch OneNumber(const model::Stored& stored) {
  for (const model::RowChange& change : stored.rows) {
    const bool integer = change.row.value.type() == model::ValueType::kInt;
    const bool shared = stored.properties[model::Index(change.id)].pid != 0;
    if (change.side != Side::kReported || !integer || !shared) continue;
    model::Batch batch;
    batch.rows.push_back(change);
    batch.rows.back().row.value = model::Value(change.row.value.integer() ^ 1);
    return batch;
  }
  return {};
}

// Nothing changes by itself, so that nothing but a comparison finds what is wrong.
void StandStill(World& world, Random& random) {
  for (PlantProperty& property : world.device(0).plant().properties()) property.moves_ppm = 0;
  Wait(world, random, seconds(8), seconds(12));
}

void RotCloud(World& world, Random& random,
              const std::function<model::Batch(const model::Stored&)>& rotten) {
  world.cloud().Kill();
  (void)world.cloud().Rot(world.device(0).device(), rotten);
  world.cloud().StartAfter(Some(random, seconds(1), seconds(3)));
  Wait(world, random, seconds(45), seconds(60));
}

// What the device wants to hold changes again and again over a link that loses much, so that
// digests of one interest meet another one.
void InterestsOnABadLink(World& world, Random& random) {
  Meet(world, random);
  Device& device = world.device(0);
  const std::vector<std::string> paths = Actuators(device);
  for (const std::string& path : paths) Want(world, device, path);
  Wait(world, random, seconds(4), seconds(8));
  LinkQuality bad = world.network().quality();
  bad.loss_ppm = 250'000;
  world.network().SetQuality(device.port(), bad);
  for (int i = 0; i < 60; ++i) {
    device.SetInterest(i % 2 == 0 ? std::vector<std::string>{paths[i / 2 % paths.size()]}
                                  : std::vector<std::string>());
    Wait(world, random, seconds(2), seconds(6));
  }
  world.network().SetQuality(device.port(), world.network().quality());
  Wait(world, random, seconds(5), seconds(15));
}

// A row becomes one that an attempt without a salt of its own can't tell from what it was.
void SameHashUnsalted(World& world, Random& random) {
  Meet(world, random);
  StandStill(world, random);
  RotCloud(world, random, [](const model::Stored& stored) { return Colliding(stored, 0); });
  world.ExpectEqual("a row of the same unsalted hash was to be healed");
}

// A row becomes one that the next attempt can't tell from what it was.
void SameHashNextTime(World& world, Random& random) {
  Meet(world, random);
  StandStill(world, random);
  RotCloud(world, random, OneNumber);
  world.ExpectEqual("a row was to be healed");
  const std::uint32_t next = world.invariants().LastHealing(world.device(0).device()) + 1;
  RotCloud(world, random, [next](const model::Stored& stored) { return Colliding(stored, next); });
  world.ExpectEqual("an attempt at healing could not see the difference");
}

}  // namespace

const std::vector<Accident>& Accidents() {
  static const std::vector<Accident> kAccidents = {
      {"old_image_again", "an image from before the last setback is put back", 16, OldImageAgain},
      {"cloud_behind", "the cloud's backup is older than the device's epoch", 16, CloudBehind},
      {"epoch_given_twice", "two branches hold epochs of one counter", 16, EpochGivenTwice},
      {"branch_from_ahead", "a branch given up has the higher epoch", 16, BranchFromAhead},
      {"branch_from_outside", "a branch given up while it was out of reach", 16, BranchFromOutside},
      {"image_from_before", "an image that never heard of a setback", 16, ImageFromBefore},
      {"second_cloud", "a cloud and its backup are alive at once", 16, SecondCloud},
      {"out_of_numbers", "much changes and the disk is full", 240, OutOfNumbers},
      {"late_command", "a command waits for flash when its epoch ends", 16, LateCommand},
      {"hold_over_power_loss", "power is lost during an override", 16, HoldOverPowerLoss},
      {"interests_on_a_bad_link", "digests of one interest meet another", 16, InterestsOnABadLink},
      {"same_hash_unsalted", "rows that no salt would tell apart", 16, SameHashUnsalted},
      {"same_hash_next_time", "rows that one attempt can't tell apart", 16, SameHashNextTime},
  };
  return kAccidents;
}

const Accident* FindAccident(std::string_view name) {
  const auto found = std::ranges::find(Accidents(), name, &Accident::name);
  return found == Accidents().end() ? nullptr : &*found;
}

}  // namespace edgetwin::sim
