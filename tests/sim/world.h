// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A simulated world: devices, a cloud, a network between them, and everything that happens to them.
// What becomes of it follows from its options alone.

#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/cloud.h"
#include "tests/sim/device.h"
#include "tests/sim/invariants.h"
#include "tests/sim/network.h"
#include "tests/sim/plant.h"
#include "tests/sim/profile.h"
#include "tests/sim/random.h"
#include "tests/sim/schedule.h"

namespace edgetwin::sim {

class World;

// A story that is told before chance takes over; see accidents.h.
struct Accident {
  std::string_view name;
  std::string_view what;
  std::uint32_t properties;
  // `random`: for when, where and how long; a story must hold whatever it draws.
  void (*play)(World& world, Random& random);
};

struct WorldOptions {
  std::uint64_t seed = 1;
  Profile profile;
  const Accident* accident = nullptr;  // Null: chance alone.
  std::uint32_t devices = 1;
  std::chrono::microseconds length = std::chrono::minutes(10);
  std::uint64_t faults_min = 20;                     // Goes on until so many have happened.
  std::bitset<kHappenings> left_out;                 // Kinds that don't happen.
  std::uint64_t happenings_max = ~std::uint64_t{0};  // Nothing more happens after so many.
  // At rest: how long values still move on, and the longest pause between two repeated frames.
  std::chrono::microseconds moving_on = std::chrono::seconds(10);
  std::chrono::microseconds replay_pause = std::chrono::milliseconds(200);
  std::ostream* trace = nullptr;  // Where everything is told, for people.
};

struct WorldResult {
  std::array<std::uint64_t, kHappenings> happened{};
  std::array<std::uint64_t, kInvariants + 1> checks{};
  std::vector<Violation> violations;
  std::uint64_t violations_n = 0;
  NetworkCounts network;
  Disk::Counts disks;
  std::chrono::microseconds simulated{0};  // Until it was at rest.
  std::chrono::microseconds settling{0};   // From the last fault to rest.
  std::uint32_t devices = 0;
  std::uint64_t faults = 0;
  // What the twins ended with, values alone; to be held against another run.
  std::map<std::string, std::string> values;
  std::uint64_t idle_steps = 0;  // Steps for nothing; see World::Pause.
};

class World {
 public:
  // How long it may take from the last fault until nothing is owed.
  static constexpr std::chrono::microseconds kSettleMax = std::chrono::minutes(6);

  explicit World(WorldOptions options);
  ~World();

  // Everything: faults, rest, checks.
  WorldResult Run();

  // --- The same in parts, for scenarios ---

  void RunFor(std::chrono::microseconds time);
  // Until nothing is owed. False when that takes longer than kSettleMax: a violation of I9.
  bool Settle();
  // No more troubles; whatever is off is switched on; one machine a device remains.
  void Calm();
  void CheckAtRest();
  WorldResult result();

  void Happen(Happening happening);
  // --- What accidents are made of ---

  // A machine with this image and a plant like the original's, under its id; not started.
  Device& AddClone(Device& original, Device::Image image);
  // Both leave it off.
  void SetCloudBack(const Cloud::Backup& backup);
  void SetDeviceBack(Device& device, Device::Image image);
  bool SetWanted(Device& device, const std::string& path, model::Value value, WallTime until);
  // Somebody asks for a write of the path, to be begun within `length`.
  bool Command(Device& device, const std::string& path, std::chrono::milliseconds length);
  // A second cloud from a backup of the first, alive beside it; nobody judges what it does, but who
  // heeds it is judged. One in a world.
  Cloud& StartStranger(const Cloud::Backup& backup);
  // I9 before the end: nothing is owed now, `after` what happened.
  void ExpectEqual(std::string_view after);

  // A random machine's power goes etc. are the methods of these.
  Device& device(std::size_t machine) { return *devices_[machine]; }
  std::size_t machines() const { return devices_.size(); }
  Cloud& cloud() { return *cloud_; }
  UniqueValues& values() { return values_; }
  // Called with each machine that comes later: a clone, another board.
  void SetMachineAdded(std::function<void(Device&)> added) { machine_added_ = std::move(added); }

  // --- For its parts ---

  Schedule& schedule() { return schedule_; }
  Network& network() { return network_; }
  Invariants& invariants() { return invariants_; }
  Random& random() { return random_; }
  const WorldOptions& options() const { return options_; }
  bool tracing() const { return options_.trace != nullptr; }
  void Trace(std::string_view who, const std::string& what);
  // How long an engine is left alone that wants to be stepped after `wait`. One that has just been
  // stepped and wants it at once, again and again, keeps a processor busy: each time counts, and
  // time goes on nevertheless.
  std::chrono::microseconds Pause(std::chrono::microseconds wait, std::uint64_t& in_a_row);
  WallTime wall() const;  // The true time.
  // The cloud did not take back what a device gave back, or the device what the cloud has.
  void NoteConflict(const std::string& device, const std::string& text);
  // The running device whose connection's Will names this session, or null.
  const Device* FindConnection(const std::string& device, std::uint32_t will) const;
  // The one that is live in the session that this opening of the cloud's so numbers, or null.
  const Device* FindSession(const std::string& device, std::uint32_t down,
                            std::uint64_t cloud_inc) const;
  // A machine stopped in a call: what its unsynced writes come to.
  PowerLoss DrawPowerLoss();
  // From now on all power losses are like this.
  void SetPowerLoss(PowerLoss how) { power_loss_ = how; }
  // What that device's history has committed, for I11.
  Past& past(const std::string& device) { return pasts_[device]; }
  // What was last put on the wire, for I16.
  void Record(bool to_cloud, const std::string& device, std::uint32_t session,
              const std::string& bytes);
  // A value that somebody is about to want of the machine's device.
  model::Value NextWanted(std::size_t machine, model::ValueType type);

 private:
  void PlanAll();
  void Plan(Happening happening);
  void PlanCopies();
  Device& AddMachine(const std::string& device, Plant plant, Random random);
  Device* AnyDevice(Random& random);
  // Who speaks for the device, or would.
  Device* Speaker(const std::string& device);
  // Each returns whether there was anything for it to happen to.
  bool NetworkFault(Happening happening, Random& random);
  bool DeviceFault(Happening happening, Device& device, Random& random);
  bool CloudFault(Happening happening, Random& random);
  bool PlantFault(Happening happening, Device& device, Random& random);
  bool Ask(Happening happening, Device& device, Random& random);
  bool AskDevice(Happening happening, Device& device, Random& random);
  bool ChangeSchema(Happening happening, Device& device, Random& random);
  bool Clone(Device& original, Random& random);
  bool SwapBoard(Device& old, Random& random);
  bool Admit(Device& device);
  bool Rot(Device& device, Random& random);
  bool RestoreCloud(Random& random);
  bool RestoreDevice(Device& device, Random& random);
  void ForgetWants(const std::string& device);
  void ForgetNumbers(const std::string& device);
  bool Undisturbed(std::size_t machine) const;
  std::string Owed();
  std::string HistoryOwed(Device& speaker);
  void CheckHistory();
  void CheckLimits();
  void CheckReplay();
  std::map<std::string, std::string> Values() const;
  void CheckWanted();
  // 0: nobody wanted it.
  std::uint64_t WantedOrder(const model::Value& value) const;

  const WorldOptions options_;
  Schedule schedule_;
  Random random_;
  std::array<Random, kHappenings> chance_;
  Invariants invariants_;
  Network network_;
  UniqueValues values_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::map<std::string, std::vector<Device*>, std::less<>> by_id_;
  std::map<std::string, Past> pasts_;
  std::unique_ptr<Cloud> cloud_;
  std::unique_ptr<Cloud> stranger_;  // See StartStranger.
  std::deque<Cloud::Backup> backups_;
  std::map<std::size_t, std::deque<Device::Image>> images_;
  std::array<std::uint64_t, kHappenings> happened_{};
  std::uint64_t happenings_ = 0;
  std::function<void(Device&)> machine_added_;
  std::optional<PowerLoss> power_loss_;
  bool spins_ = false;  // Time has stopped: nothing more can be seen of this world.
  bool calm_ = false;
  MonoTime calm_at_{};
  std::uint64_t idle_steps_ = 0;
  std::uint64_t at_once_ = 0;  // Things that have happened at this moment.
  std::chrono::microseconds settling_{0};
  std::map<std::string, MonoTime> admitted_at_;  // When an operator let another one in.

  struct Recorded {
    bool to_cloud;
    std::string device;
    std::uint32_t session;
    std::string bytes;
  };
  std::deque<Recorded> recorded_;

  // Desired values that one side still had when the other's store was set back, and that nobody has
  // changed since: by device and path.
  struct Held {
    model::Value value;
    // The backup's own, when it is of a branch that the device never heard: then the two conflict,
    // and either may win, but the loss of the other must be told.
    std::optional<model::Value> rival;
    bool told = false;
  };
  std::map<std::pair<std::string, std::string>, Held> must_return_;
  // In which order values were wanted.
  std::map<std::string, std::uint64_t> wanted_order_;
};

}  // namespace edgetwin::sim
