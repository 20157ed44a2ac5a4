// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "tests/sim/vfs.h"

namespace edgetwin::sim {
namespace {

using model::Side;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr WallTime kWallStart{milliseconds(1'790'000'000'000)};  // 2026-09-21
constexpr microseconds kCopyPause = seconds(45);
constexpr std::size_t kCopiesMax = 3;
constexpr microseconds kLimitsPause = seconds(10);
constexpr microseconds kLookPause = milliseconds(500);
constexpr std::size_t kRecordedMax = 60;
// Far more than can be due at one moment in the largest world.
constexpr std::uint64_t kAtOnceMax = 100'000;
// A device's database with its WAL: 4 MiB of WAL are kept at most, see twin_store.cc.
constexpr std::uint64_t kDeviceDiskBytesMax = 8 << 20;

LinkQuality CalmQuality() {
  return {};
}

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      random_(options_.seed),
      chance_([this] {
        std::array<Random, kHappenings> each;
        for (std::size_t i = 0; i < kHappenings; ++i) each[i] = random_.Fork(1'000 + i);
        return each;
      }()),
      network_(schedule_, random_.Fork(1)) {
  SeedSqlite(options_.seed);
  invariants_.SetUndisturbed([this](std::size_t machine) { return Undisturbed(machine); });
  network_.SetQuality(options_.profile.link);
  cloud_ = std::make_unique<Cloud>(*this, random_.Fork(2));
  cloud_->Start();
  for (std::uint32_t i = 0; i < options_.devices; ++i) {
    Random own = random_.Fork(100 + i);
    Plant plant(options_.profile.properties, own.Fork(1));
    Device& device =
        AddMachine("station-" + std::to_string(1'000 + i), std::move(plant), own.Fork(2));
    device.StartAfter(milliseconds(own.Below(2'000)));
  }
  if (options_.accident == nullptr) PlanAll();
  PlanCopies();
}

World::~World() = default;

WallTime World::wall() const {
  return kWallStart + duration_cast<milliseconds>(schedule_.now().time_since_epoch());
}

void World::Trace(std::string_view who, const std::string& what) {
  const auto us = schedule_.now().time_since_epoch().count();
  std::string fraction = std::to_string(us % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  *options_.trace << us / 1'000'000 << '.' << fraction << "  " << who << "  " << what << '\n';
}

Device& World::AddMachine(const std::string& device, Plant plant, Random random) {
  devices_.push_back(
      std::make_unique<Device>(*this, device, devices_.size(), std::move(plant), random));
  by_id_[device].push_back(devices_.back().get());
  if (machine_added_) machine_added_(*devices_.back());
  return *devices_.back();
}

const Device* World::FindConnection(const std::string& device, std::uint32_t will) const {
  const auto machines = by_id_.find(device);
  if (machines == by_id_.end() || will == 0) return nullptr;
  for (const Device* machine : machines->second) {
    if (machine->running() && machine->engine().Will().session == will) return machine;
  }
  return nullptr;
}

const Device* World::FindSession(const std::string& device, std::uint32_t down,
                                 std::uint64_t cloud_inc) const {
  const auto machines = by_id_.find(device);
  if (machines == by_id_.end()) return nullptr;
  for (const Device* machine : machines->second) {
    if (!machine->running()) continue;
    const std::optional<sync::Bye> bye = machine->engine().Goodbye();
    if (bye && sync::DownSession(bye->session, cloud_inc) == down) return machine;
  }
  return nullptr;
}

Device* World::AnyDevice(Random& random) {
  std::vector<Device*> there;
  for (const auto& device : devices_) {
    if (!device->retired()) there.push_back(device.get());
  }
  return there.empty() ? nullptr : there[random.Below(there.size())];
}

Device* World::Speaker(const std::string& device) {
  Device* speaker = nullptr;
  for (Device* machine : by_id_.at(device)) {
    if (machine->retired()) continue;
    if (speaker == nullptr || (machine->live_since() && !speaker->live_since())) speaker = machine;
  }
  return speaker;
}

bool World::Undisturbed(std::size_t machine) const {
  const Device& incumbent = *devices_[machine];
  const MonoTime long_ago = schedule_.now() - seconds(20);
  const auto fine = [&](Network::Port port) {
    return network_.reachable(port) && network_.reachable_since(port) < long_ago;
  };
  // With many frames lost, all probes may be.
  if (network_.quality().loss_ppm > 50'000) return false;
  return incumbent.running() && incumbent.live_since() && *incumbent.live_since() < long_ago &&
         cloud_->running() && cloud_->started_at() < *incumbent.live_since() &&
         fine(incumbent.port()) && fine(cloud_->port());
}

microseconds World::Pause(microseconds wait, std::uint64_t& in_a_row) {
  if (wait.count() > 0) {
    in_a_row = 0;
    return wait;
  }
  // The first may be the second half of something.
  if (++in_a_row < 3) return microseconds(0);
  ++idle_steps_;
  return milliseconds(1);
}

PowerLoss World::DrawPowerLoss() {
  if (power_loss_) return *power_loss_;
  if (random_.Chance(options_.profile.tear_ppm)) return PowerLoss::kTear;
  return random_.Below(2) == 0 ? PowerLoss::kKeepAll : PowerLoss::kLoseAll;
}

void World::Record(bool to_cloud, const std::string& device, std::uint32_t session,
                   const std::string& bytes) {
  recorded_.push_back({to_cloud, device, session, bytes});
  if (recorded_.size() > kRecordedMax) recorded_.pop_front();
}

void World::RunFor(microseconds time) {
  const MonoTime end = schedule_.now() + time;
  invariants_.SetNow(schedule_.now());
  while (!spins_ && schedule_.RunNext(end)) {
    if (schedule_.now() > invariants_.now()) {
      invariants_.SetNow(schedule_.now());
      at_once_ = 0;
    } else if (++at_once_ > kAtOnceMax) {
      spins_ = true;
      invariants_.Violate(9, "time stands still: something is always due at once");
    }
  }
}

WorldResult World::Run() {
  if (options_.accident != nullptr) {
    Random random = random_.Fork(3);
    options_.accident->play(*this, random);
    PlanAll();
  }
  const auto played = duration_cast<microseconds>(schedule_.now().time_since_epoch());
  if (played < options_.length) RunFor(options_.length - played);
  const auto faults = [this] {
    std::uint64_t sum =
        network_.counts().lost + network_.counts().repeated + network_.counts().overtaken;
    for (std::size_t i = 0; i < kHappenings; ++i) {
      if (IsFault(static_cast<Happening>(i))) sum += happened_[i];
    }
    return sum;
  };
  // At most ten times as long: a world in which nothing may happen has an end, too.
  for (int i = 0; i < 100 && faults() < options_.faults_min; ++i) RunFor(options_.length / 10);
  if (spins_) return result();
  Calm();
  if (Settle()) CheckAtRest();
  return result();
}

void World::Calm() {
  calm_ = true;
  calm_at_ = schedule_.now();
  if (tracing()) Trace("world", "calm");
  if (stranger_) stranger_->Kill();
  network_.Calm(CalmQuality());
  cloud_->Calm();
  cloud_->StartAfter(seconds(1));
  for (const auto& [id, machines] : by_id_) {
    Device* kept = Speaker(id);
    for (Device* machine : machines) {
      if (machine != kept) machine->Retire();
    }
    if (kept == nullptr) continue;
    kept->Calm();
    for (PlantProperty& property : kept->plant().properties()) property.poisoned = false;
    kept->StartAfter(seconds(1));
  }
}

std::string World::Owed() {
  for (const auto& [id, machines] : by_id_) {
    Device* speaker = Speaker(id);
    if (speaker == nullptr) continue;
    const auto cloud = cloud_->view(id);
    if (!speaker->running()) return id + " is not running";
    const sync::EdgeStatus status = speaker->engine().status();
    if (status.state != sync::SyncState::kLive) {
      return id + " is " + std::string(sync::ToString(status.state)) + ": " + status.trouble;
    }
    if (!cloud) return id + " is not known to the cloud";
    std::string unequal = Invariants::Unequal(speaker->view(), *cloud);
    if (!unequal.empty()) return id + ": " + unequal;
  }
  return {};
}

// What waits on flash is on its way for as long as samples come: nothing is owed once the cloud has
// all that was there when it was asked.
std::string World::HistoryOwed(Device& speaker) {
  if (speaker.history() == nullptr) return "its history is not open";
  const sync::BackfillStatus status = speaker.engine().backfill();
  return status.caught_up ? std::string() : "its history waits: " + status.trouble;
}

void World::CheckHistory() {
  if (!options_.profile.history) return;
  for (const auto& [id, machines] : by_id_) {
    Device* speaker = Speaker(id);
    if (speaker == nullptr) continue;
    std::string owed;
    const MonoTime end = schedule_.now() + kSettleMax;
    do {
      owed = HistoryOwed(*speaker);
      if (owed.empty() || spins_) break;
      RunFor(milliseconds(20));
    } while (schedule_.now() < end);
    invariants_.Expect(11, owed.empty(), [&, &device = id] { return device + ": " + owed; });
    if (owed.empty()) {
      pasts_[id].Check(speaker->number(), *speaker->history(), *cloud_->history(), id, invariants_);
    }
  }
}

bool World::Settle() {
  const MonoTime end = calm_at_ + kSettleMax;
  RunFor(options_.moving_on);
  for (const auto& device : devices_) {
    for (PlantProperty& property : device->plant().properties()) property.moves_ppm = 0;
  }
  std::string owed;
  while (true) {
    owed = Owed();
    if (owed.empty() || schedule_.now() >= end || spins_) break;
    for (const auto& [id, machines] : by_id_) {
      Device* speaker = Speaker(id);
      const bool fenced = speaker != nullptr && speaker->running() &&
                          speaker->engine().status().state == sync::SyncState::kFenced;
      const bool again = admitted_at_[id] + seconds(60) < schedule_.now();
      if (fenced && again && cloud_->AdmitNext(id)) admitted_at_[id] = schedule_.now();
    }
    RunFor(kLookPause);
  }
  settling_ = schedule_.now() - calm_at_;
  invariants_.Expect(9, owed.empty(), [&] { return "not equal at rest: " + owed; });
  return owed.empty();
}

void World::ExpectEqual(std::string_view after) {
  std::string owed = Owed();
  // A value may be on its way just now.
  for (int i = 0; i < 10 && !owed.empty(); ++i) {
    RunFor(milliseconds(500));
    owed = Owed();
  }
  invariants_.Expect(9, owed.empty(),
                     [&] { return "not equal after " + std::string(after) + ": " + owed; });
}

void World::CheckAtRest() {
  CheckLimits();
  CheckWanted();
  CheckHistory();
  for (const auto& [id, machines] : by_id_) {
    const Device* speaker = Speaker(id);
    if (speaker != nullptr) invariants_.CheckRestored(speaker->view());
  }
  CheckReplay();
}

// What one side still had came back to the other, or was changed since, or the loss was told.
void World::CheckWanted() {
  for (const auto& [key, held] : must_return_) {
    const auto& [device, path] = key;
    const model::Twin* twin = cloud_->twin(device);
    const model::PropertyId id = twin == nullptr ? model::kNoProperty : twin->Find(path);
    const model::Row* row = id == model::kNoProperty ? nullptr : twin->row(id, Side::kDesired);
    // A newer one may have been on its way to the device then.
    const bool back = row != nullptr && (row->value == held.value ||
                                         WantedOrder(row->value) > WantedOrder(held.value));
    const bool lost = row != nullptr && held.rival && row->value == *held.rival && held.told;
    invariants_.Expect(15, back || lost, [&, &device_id = device, &at = path, &value = held.value] {
      return device_id + ": " + at + " desired " + model::ToJson(value) +
             " was held when a store was set back, and is now " +
             (row == nullptr ? "nothing" : model::ToJson(row->value));
    });
  }
}

std::uint64_t World::WantedOrder(const model::Value& value) const {
  const auto known = wanted_order_.find(model::ToJson(value));
  return known == wanted_order_.end() ? 0 : known->second;
}

void World::NoteConflict(const std::string& device, const std::string& text) {
  for (auto& [key, held] : must_return_) {
    if (key.first == device && text.starts_with("'" + key.second + "'")) held.told = true;
  }
}

void World::CheckLimits() {
  for (const auto& device : devices_) {
    if (!device->running()) continue;
    invariants_.CheckLimits(device->name(), device->twin().limits());
    invariants_.CheckLimits(device->name(), device->engine().limits());
    const std::uint64_t bytes = device->machine().disk().state().bytes();
    invariants_.Expect(12, bytes <= kDeviceDiskBytesMax, [&] {
      return device->name() + ": its store takes " + std::to_string(bytes) + " bytes";
    });
  }
}

std::map<std::string, std::string> World::Values() const {
  std::map<std::string, std::string> values;
  for (const auto& [id, machines] : by_id_) {
    const model::Twin* twin = cloud_->twin(id);
    if (twin == nullptr) continue;
    twin->ForEachProperty([&, &device = id](model::PropertyId property) {
      for (const Side side : model::kEverySide) {
        const model::Row* row = twin->row(property, side);
        if (row == nullptr) continue;
        values[device + " " + twin->def(property).path.text() + " " + std::string(ToString(side))] =
            model::ToJson(row->value) + " " + std::string(ToString(row->info().state));
      }
    });
  }
  return values;
}

// The last frames once more, in any order, some more than once: nothing changes.
void World::CheckReplay() {
  const auto moving = [this] {
    return std::ranges::any_of(devices_, [](const auto& device) {
      return device->running() &&
             (device->holds() || device->engine().status().control_unfinished != 0);
    });
  };
  // What changes by itself has changed: samples held back, overrides that end, writes that a driver
  // refused for now; and the cloud knows.
  bool moved = false;
  do {
    moved = moving();
    RunFor(seconds(4));
  } while ((moved || moving() || !Owed().empty()) && !spins_ &&
           schedule_.now() < calm_at_ + 2 * kSettleMax);
  const auto before = Values();
  // Frames of other sessions come too late to be of any use in any network.
  std::vector<Recorded> frames;
  for (const Recorded& frame : recorded_) {
    const Device* speaker = Speaker(frame.device);
    const model::Twin* twin = cloud_->twin(frame.device);
    if (speaker == nullptr || twin == nullptr) continue;
    const std::uint32_t live = speaker->engine().Goodbye().value_or(sync::Bye{}).session;
    const std::uint32_t down = sync::DownSession(live, twin->lineage().back().inc);
    if (frame.session == (frame.to_cloud ? live : down)) frames.push_back(frame);
  }
  for (std::size_t i = frames.size(); i > 1; --i) {
    std::swap(frames[i - 1], frames[random_.Below(i)]);
  }
  if (tracing()) Trace("world", "repeats " + std::to_string(frames.size()) + " frames");
  for (const Recorded& frame : frames) {
    if (frame.to_cloud) {
      if (cloud_->running()) cloud_->Deliver(frame.device, frame.bytes);
    } else if (Device* device = Speaker(frame.device); device != nullptr && device->running()) {
      device->Deliver(frame.bytes);
    }
    RunFor(milliseconds(
        random_.Below(static_cast<std::uint64_t>(options_.replay_pause / milliseconds(1)))));
  }
  calm_at_ = schedule_.now();
  std::string owed = Owed();
  for (const MonoTime end = schedule_.now() + kSettleMax;
       !owed.empty() && schedule_.now() < end && !spins_; owed = Owed()) {
    RunFor(kLookPause);
  }
  invariants_.Expect(16, owed.empty(), [&] { return "after repeated frames: " + owed; });
  if (!owed.empty()) return;
  const auto after = Values();
  for (const auto& [key, value] : before) {
    const auto now = after.find(key);
    const bool same = now != after.end() && now->second == value;
    if (!invariants_.Expect(16, same, [&, &what = key, &was = value] {
          return what + " was " + was + " and is, after repeated frames, " +
                 (now == after.end() ? "nothing" : now->second);
        })) {
      return;
    }
  }
}

WorldResult World::result() {
  WorldResult result;
  result.happened = happened_;
  result.checks = invariants_.checks();
  result.violations = invariants_.violations();
  result.violations_n = invariants_.violations_n();
  result.network = network_.counts();
  const auto add = [&result](const Disk::Counts& counts) {
    Disk::Counts& sum = result.disks;
    for (std::size_t i = 0; i < kDiskCalls; ++i) sum.calls[i] += counts.calls[i];
    sum.bytes_read += counts.bytes_read;
    sum.bytes_written += counts.bytes_written;
    sum.io_errors += counts.io_errors;
    sum.full += counts.full;
    sum.kills += counts.kills;
    sum.power_losses += counts.power_losses;
    sum.unsynced.kept += counts.unsynced.kept;
    sum.unsynced.lost += counts.unsynced.lost;
    sum.unsynced.torn += counts.unsynced.torn;
  };
  for (const auto& device : devices_) add(device->machine().disk().counts());
  add(cloud_->machine().disk().counts());
  result.simulated = duration_cast<microseconds>(schedule_.now().time_since_epoch());
  result.settling = settling_;
  result.devices = static_cast<std::uint32_t>(by_id_.size());
  for (std::size_t i = 0; i < kHappenings; ++i) {
    if (IsFault(static_cast<Happening>(i))) result.faults += happened_[i];
  }
  result.faults += result.network.lost + result.network.repeated + result.network.overtaken;
  result.values = Values();
  result.idle_steps = idle_steps_;
  return result;
}

void World::PlanAll() {
  for (std::size_t i = 0; i < kHappenings; ++i) Plan(static_cast<Happening>(i));
}

void World::Plan(Happening happening) {
  const std::uint64_t every_s = options_.profile.every_s[static_cast<std::size_t>(happening)];
  if (every_s == 0) return;
  Random& random = chance_[static_cast<std::size_t>(happening)];
  const std::uint64_t every_us = every_s * 1'000'000;
  schedule_.After(microseconds(random.Between(every_us / 4, every_us * 7 / 4)), [this, happening] {
    if (calm_) return;
    Happen(happening);
    Plan(happening);
  });
}

// Backups of the cloud and images of devices, for when somebody wants one back.
void World::PlanCopies() {
  schedule_.After(kCopyPause, [this] {
    if (calm_) return;
    backups_.push_back(cloud_->TakeBackup());
    if (backups_.size() > kCopiesMax) backups_.pop_front();
    for (const auto& device : devices_) {
      if (device->retired()) continue;
      auto& images = images_[device->number()];
      images.push_back(device->TakeImage());
      if (images.size() > kCopiesMax) images.pop_front();
    }
    CheckLimits();
    PlanCopies();
  });
}

}  // namespace edgetwin::sim
