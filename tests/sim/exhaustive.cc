// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/exhaustive.h"

#include <array>
#include <utility>

#include "tests/sim/isolation.h"

namespace edgetwin::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

void Nothing(World&) {}

void Meet(World& world) {
  world.RunFor(seconds(8));
}

void MeetAndCopy(World& world) {
  world.RunFor(seconds(50));  // The first backups and images are made after 45.
  world.Happen(Happening::kDesired);
  world.Happen(Happening::kNewProperty);
  world.RunFor(seconds(4));
}

void CutOff(World& world, microseconds length) {
  world.network().Partition(world.device(0).port(), length, seconds(1));
}

void Greet(World& world) {
  world.RunFor(seconds(5));
}

void Sample(World& world) {
  world.RunFor(seconds(2));
  CutOff(world, seconds(5));  // Without acks, samples are committed.
  world.RunFor(seconds(10));
}

void Want(World& world) {
  for (int i = 0; i < 3; ++i) {
    world.Happen(Happening::kDesired);
    world.RunFor(milliseconds(400));
  }
  world.Happen(Happening::kDesiredUnknown);
  world.RunFor(seconds(2));
}

void Hold(World& world) {
  world.device(0).Override("plant/p1", world.NextWanted(0, model::ValueType::kDouble),
                           milliseconds(2'500));
  world.Happen(Happening::kDesired);
  world.RunFor(seconds(5));
}

void Command(World& world) {
  for (int i = 0; i < 4; ++i) {
    world.Happen(Happening::kCommand);
    world.RunFor(milliseconds(300));
  }
  world.RunFor(seconds(2));
}

void Heal(World& world) {
  world.Happen(Happening::kRot);
  world.RunFor(seconds(12));
}

void Fence(World& world) {
  world.Happen(Happening::kClone);
  world.RunFor(seconds(30));
}

void Migrate(World& world) {
  world.Happen(Happening::kRedefine);
  world.Happen(Happening::kLocalOnly);
  world.RunFor(seconds(2));
  world.Happen(Happening::kNewProperty);
  world.Happen(Happening::kUndefine);
  world.Happen(Happening::kLocalOnly);
  world.RunFor(seconds(3));
}

void Interest(World& world) {
  for (int i = 0; i < 3; ++i) {
    world.Happen(Happening::kDesired);
    world.Happen(Happening::kInterest);
    world.RunFor(seconds(2));
  }
}

void Forget(World& world) {
  CutOff(world, seconds(4));
  for (int i = 0; i < 3; ++i) {
    world.device(0).AddEvents(40);
    world.RunFor(seconds(1));
  }
  world.RunFor(seconds(6));
}

void Fill(World& world) {
  CutOff(world, seconds(4));
  world.device(0).machine().FillDisk(seconds(4));
  world.cloud().machine().FillDisk(seconds(3));
  world.Happen(Happening::kDesired);
  world.RunFor(seconds(9));
}

void ShutDown(World& world) {
  world.Happen(Happening::kDesired);
  world.device(0).Stop();
  world.device(0).StartAfter(seconds(1));
  world.RunFor(seconds(2));
  world.cloud().Stop();
  world.cloud().StartAfter(seconds(1));
  world.RunFor(seconds(3));
}

void RestoreCloud(World& world) {
  world.Happen(Happening::kCloudRestore);
  world.RunFor(seconds(35));
}

void RestoreDevice(World& world) {
  world.Happen(Happening::kDeviceRestore);
  world.RunFor(seconds(30));
}

void Adopt(World& world) {
  world.Happen(Happening::kBoardSwap);
  world.RunFor(seconds(20));
}

struct Variant {
  std::string_view name;
  PowerLoss how;
};
constexpr std::array kVariants = {Variant{"keep", PowerLoss::kKeepAll},
                                  Variant{"lose", PowerLoss::kLoseAll},
                                  Variant{"tear", PowerLoss::kTear}};

WorldOptions OptionsOf(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  options.profile.name = "scenario";
  options.profile.properties = 14;
  options.faults_min = 0;
  return options;
}

// One scenario of one seed, with its crashes.
class Crashes {
 public:
  Crashes(const Scenario& scenario, std::uint64_t seed, std::uint64_t every, Isolated& isolated,
          CrashReport& report, const std::function<void(const CrashReport::Failure&)>& failed)
      : scenario_(scenario),
        seed_(seed),
        every_(every),
        isolated_(isolated),
        report_(report),
        failed_(failed),
        part_(report.parts.size()),
        world_(OptionsOf(seed)) {
    report_.parts.push_back({std::string(scenario.name), 0, 0, 0});
  }

  void Run() {
    scenario_.prepare(world_);
    Watch("device", world_.device(0).machine());
    Watch("cloud", world_.cloud().machine());
    scenario_.play(world_);
    world_.device(0).machine().SetProbe({});
    world_.cloud().machine().SetProbe({});
    world_.Calm();
    if (world_.Settle()) world_.CheckAtRest();
    if (copy_) isolated_.Finish(world_.result());
    Isolated::Outcome whole;
    whole.result = world_.result();
    Judge(whole, "none", 0, "none");
  }

 private:
  void Watch(const char* machine, Machine& disk) {
    disk.SetProbe([this, machine](DiskCall, std::string_view, std::uint64_t number) {
      if (copy_) return DiskAnswer::kOk;
      ++report_.parts[part_].calls;
      if (++calls_ % every_ != 0) return DiskAnswer::kOk;
      for (const Variant& variant : kVariants) {
        copy_ = isolated_.Fork(
            [this, machine, number, name = variant.name](const Isolated::Outcome& outcome) {
              ++report_.parts[part_].crash_points;
              ++report_.crash_points;
              Judge(outcome, machine, number, name);
            });
        if (!copy_) continue;
        world_.SetPowerLoss(variant.how);
        return DiskAnswer::kCrash;
      }
      return DiskAnswer::kOk;
    });
  }

  void Judge(const Isolated::Outcome& outcome, const char* machine, std::uint64_t number,
             std::string_view variant) {
    for (std::size_t i = 0; i <= kInvariants; ++i) report_.checks[i] += outcome.result.checks[i];
    if (outcome.died.empty() && outcome.result.violations.empty()) return;
    ++report_.violations;
    ++report_.parts[part_].violations;
    CrashReport::Failure failure{std::string(scenario_.name), seed_, machine,     number,
                                 std::string(variant),        0,     outcome.died};
    if (outcome.died.empty()) {
      failure.invariant = outcome.result.violations.front().invariant;
      failure.text = outcome.result.violations.front().text;
    }
    report_.failures.push_back(failure);
    failed_(failure);
  }

  const Scenario& scenario_;
  const std::uint64_t seed_;
  const std::uint64_t every_;
  Isolated& isolated_;
  CrashReport& report_;
  const std::function<void(const CrashReport::Failure&)>& failed_;
  const std::size_t part_;
  World world_;
  std::uint64_t calls_ = 0;
  bool copy_ = false;  // This process is one, and has had its crash.
};

}  // namespace

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

CrashReport RunExhaustive(std::string_view scenario, std::uint64_t seed, std::uint64_t every,
                          std::size_t at_once,
                          const std::function<void(const CrashReport::Failure&)>& failed) {
  CrashReport report;
  for (const Scenario& each : Scenarios()) {
    if (!scenario.empty() && each.name != scenario) continue;
    Isolated isolated(at_once);
    Crashes crashes(each, seed, every, isolated, report, failed);
    crashes.Run();
    isolated.Wait();
  }
  return report;
}

}  // namespace edgetwin::sim
