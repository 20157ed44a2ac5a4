// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What happens to a world: faults, and people.

#include <algorithm>
#include <utility>

#include "tests/sim/world.h"

namespace edgetwin::sim {
namespace {

using model::Side;
using model::Value;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kPropertiesMax = 60;
constexpr std::size_t kClonesMax = 3;  // Besides the original, in a world's whole life.

microseconds Some(Random& random, seconds low, seconds high) {
  return seconds(low) + microseconds(random.Below(
                            static_cast<std::uint64_t>(
                                std::chrono::duration_cast<microseconds>(high - low).count()) +
                            1));
}

// A property of the plant that `fits`; null when there is none.
template <class Fits>
PlantProperty* Pick(Plant& plant, Random& random, const Fits& fits) {
  std::vector<PlantProperty*> found;
  for (PlantProperty& property : plant.properties()) {
    if (fits(property)) found.push_back(&property);
  }
  return found.empty() ? nullptr : found[random.Below(found.size())];
}

bool Settable(const PlantProperty& property) {
  return property.def.writable && !property.def.local_only && property.present &&
         property.def.type != model::ValueType::kBool;
}

}  // namespace

void World::Happen(Happening happening) {
  if (options_.left_out.test(static_cast<std::size_t>(happening))) return;
  if (happenings_ >= options_.happenings_max) return;
  Random& random = chance_[static_cast<std::size_t>(happening)];
  Device* device = AnyDevice(random);
  if (device == nullptr) return;
  bool done = false;
  switch (happening) {
    case Happening::kCut:
    case Happening::kPartition:
    case Happening::kBrokerCrash:
    case Happening::kSlowLink: done = NetworkFault(happening, random); break;
    case Happening::kDeviceKill:
    case Happening::kDevicePower:
    case Happening::kDeviceTear:
    case Happening::kDeviceStop:
    case Happening::kDeviceRestore:
    case Happening::kClone:
    case Happening::kBoardSwap:
    case Happening::kDeviceDiskFull:
    case Happening::kDeviceIoError:
    case Happening::kWallJump:
    case Happening::kClockLost: done = DeviceFault(happening, *device, random); break;
    case Happening::kCloudKill:
    case Happening::kCloudPower:
    case Happening::kCloudTear:
    case Happening::kCloudStop:
    case Happening::kCloudRestore:
    case Happening::kCloudDiskFull:
    case Happening::kCloudIoError: done = CloudFault(happening, random); break;
    case Happening::kSlowDisk:
      (random.Below(2) == 0 ? cloud_->machine() : device->machine())
          .SlowDown(Some(random, seconds(5), seconds(40)));
      done = true;
      break;
    case Happening::kDriverFault:
    case Happening::kDrift:
    case Happening::kPoison:
    case Happening::kAlarmFlood: done = PlantFault(happening, *device, random); break;
    case Happening::kRot: done = Rot(*device, random); break;
    case Happening::kDesired:
    case Happening::kDesiredUntil:
    case Happening::kUnwant:
    case Happening::kDesiredUnknown:
    case Happening::kCommand: done = Ask(happening, *device, random); break;
    case Happening::kAdmit: done = Admit(*device); break;
    case Happening::kOverride:
    case Happening::kRelease:
    case Happening::kInterest: done = AskDevice(happening, *device, random); break;
    case Happening::kRedefine:
    case Happening::kNewProperty:
    case Happening::kUndefine:
    case Happening::kLocalOnly: done = ChangeSchema(happening, *device, random); break;
  }
  if (!done) return;
  ++happenings_;
  ++happened_[static_cast<std::size_t>(happening)];
  if (tracing()) {
    Trace("world", "happened: " + std::string(ToString(happening)) + " (" + device->name() + ")");
  }
}

bool World::NetworkFault(Happening happening, Random& random) {
  std::vector<Network::Port> ports;
  for (const auto& device : devices_) {
    if (!device->retired()) ports.push_back(device->port());
  }
  // The cloud's connection breaks now and then, too.
  const Network::Port port =
      random.Below(8) == 0 ? cloud_->port() : ports[random.Below(ports.size())];
  switch (happening) {
    case Happening::kCut:
      if (!network_.up(port)) return false;
      network_.Cut(port);
      return true;
    case Happening::kPartition:
      network_.Partition(port, Some(random, seconds(2), seconds(60)),
                         Some(random, seconds(10), seconds(90)));
      return true;
    case Happening::kBrokerCrash:
      network_.CrashBroker(Some(random, seconds(1), seconds(30)));
      return true;
    default: {
      LinkQuality slow = options_.profile.link;
      slow.bytes_per_s = random.Between(800, 6'000);
      network_.SetQuality(port, slow);
      schedule_.After(Some(random, seconds(10), seconds(60)), [this, port] {
        if (!calm_) network_.SetQuality(port, options_.profile.link);
      });
      return true;
    }
  }
}

bool World::DeviceFault(Happening happening, Device& device, Random& random) {
  const microseconds pause = Some(random, seconds(1), seconds(15));
  switch (happening) {
    case Happening::kDeviceKill:
      if (!device.running()) return false;
      device.Kill();
      device.StartAfter(pause);
      return true;
    case Happening::kDevicePower:
      if (!device.running()) return false;
      device.LosePower(DrawPowerLoss());
      device.StartAfter(pause);
      return true;
    case Happening::kDeviceTear: device.machine().StopInCall(random.Between(1, 14)); return true;
    case Happening::kDeviceStop:
      if (!device.running()) return false;
      device.Stop();
      device.StartAfter(pause);
      return true;
    case Happening::kDeviceRestore: return RestoreDevice(device, random);
    case Happening::kClone: return Clone(device, random);
    case Happening::kBoardSwap: return SwapBoard(device, random);
    case Happening::kDeviceDiskFull:
      device.machine().FillDisk(Some(random, seconds(5), seconds(60)));
      return true;
    case Happening::kDeviceIoError:
      device.machine().FailCalls(Some(random, seconds(1), seconds(20)), random.Below(2) == 0);
      return true;
    case Happening::kWallJump: {
      const auto by = milliseconds(random.Between(1, 100'000'000));
      device.JumpWall(random.Below(2) == 0 ? by : -by);
      return true;
    }
    default:
      device.LoseClock();
      device.Kill();
      device.StartAfter(pause);
      return true;
  }
}

bool World::CloudFault(Happening happening, Random& random) {
  const microseconds pause = Some(random, seconds(1), seconds(10));
  switch (happening) {
    case Happening::kCloudKill:
      if (!cloud_->running()) return false;
      cloud_->Kill();
      cloud_->StartAfter(pause);
      return true;
    case Happening::kCloudPower:
      if (!cloud_->running()) return false;
      cloud_->LosePower(DrawPowerLoss());
      cloud_->StartAfter(pause);
      return true;
    case Happening::kCloudTear: cloud_->machine().StopInCall(random.Between(1, 14)); return true;
    case Happening::kCloudStop:
      if (!cloud_->running()) return false;
      cloud_->Stop();
      cloud_->StartAfter(pause);
      return true;
    case Happening::kCloudRestore: return RestoreCloud(random);
    case Happening::kCloudDiskFull:
      cloud_->machine().FillDisk(Some(random, seconds(5), seconds(40)));
      return true;
    default:
      cloud_->machine().FailCalls(Some(random, seconds(1), seconds(20)), random.Below(2) == 0);
      return true;
  }
}

bool World::PlantFault(Happening happening, Device& device, Random& random) {
  Plant& plant = device.plant();
  switch (happening) {
    case Happening::kDriverFault:
      device.FailDrivers(Some(random, seconds(1), seconds(15)));
      return true;
    case Happening::kDrift: {
      PlantProperty* turned = Pick(plant, random, Settable);
      if (turned == nullptr) return false;
      turned->value = turned->def.type == model::ValueType::kInt ? Value(std::int64_t{7})
                      : turned->def.type == model::ValueType::kDouble
                          ? Value(7.5)
                          : Value(std::string("turned"));
      return true;
    }
    case Happening::kPoison: {
      PlantProperty* bad = Pick(plant, random, [](const PlantProperty& property) {
        return property.def.type == model::ValueType::kString && !property.def.writable &&
               !property.secret && property.present;
      });
      if (bad == nullptr) return false;
      bad->poisoned = !bad->poisoned;
      return true;
    }
    default: device.AddEvents(random.Between(5, 120)); return device.running();
  }
}

Value World::NextWanted(std::size_t machine, model::ValueType type) {
  Value value = values_.Next(type);
  invariants_.Wanted(devices_[machine]->device(), value, false);
  return value;
}

// The cloud's operators.
bool World::SetWanted(Device& device, const std::string& path, Value value, WallTime until) {
  if (!value.none()) {
    invariants_.Wanted(device.device(), value, false);
    wanted_order_.emplace(model::ToJson(value), wanted_order_.size() + 1);
  }
  if (!cloud_->SetDesired(device.device(), path, std::move(value), until)) return false;
  must_return_.erase({device.device(), path});
  return true;
}

bool World::Ask(Happening happening, Device& device, Random& random) {
  PlantProperty* property = Pick(device.plant(), random, Settable);
  if (happening == Happening::kDesiredUnknown) {
    const std::string path = "plant/unknown" + std::to_string(random.Below(20));
    return SetWanted(device, path, values_.Next(model::ValueType::kInt), {});
  }
  if (property == nullptr) return false;
  const std::string path = property->def.path.text();
  Value value = values_.Next(property->def.type);
  const auto end = cloud_->wall() + milliseconds(random.Between(2'000, 90'000));
  if (happening == Happening::kDesired) return SetWanted(device, path, std::move(value), {});
  if (happening == Happening::kDesiredUntil) return SetWanted(device, path, std::move(value), end);
  if (happening == Happening::kUnwant) return SetWanted(device, path, {}, {});
  model::Command command;
  command.id = random.Bits() | 1;
  command.name = random.Below(5) == 0 ? "read" : "write";
  command.path = path;
  command.who = "otto";
  command.expires = cloud_->wall() + seconds(random.Between(2, 120));
  if (command.name == "write") {
    invariants_.Wanted(device.device(), value, true);
    command.value = std::move(value);
  }
  return cloud_->AddCommand(device.device(), std::move(command));
}

bool World::Command(Device& device, const std::string& path, milliseconds length) {
  const PlantProperty* property = device.plant().Find(path);
  if (property == nullptr) return false;
  model::Command command;
  command.id = random_.Bits() | 1;
  command.name = "write";
  command.path = path;
  command.who = "otto";
  command.expires = cloud_->wall() + length;
  command.value = values_.Next(property->def.type);
  invariants_.Wanted(device.device(), command.value, true);
  return cloud_->AddCommand(device.device(), std::move(command));
}

// The device's technicians.
bool World::AskDevice(Happening happening, Device& device, Random& random) {
  if (!device.running()) return false;
  if (happening == Happening::kRelease) {
    device.Release();
    return true;
  }
  if (happening == Happening::kInterest) {
    std::vector<std::string> patterns;
    switch (random.Below(4)) {
      case 0: break;
      case 1: patterns = {"plant/p1", "plant/p5", "plant/p9"}; break;
      case 2: patterns = {"plant/*"}; break;
      default: patterns = {"*/p2", "plant/p13", "plant/p5"}; break;
    }
    device.SetInterest(std::move(patterns));
    return true;
  }
  PlantProperty* property = Pick(device.plant(), random, Settable);
  if (property == nullptr) return false;
  Value value = values_.Next(property->def.type);
  invariants_.Wanted(device.device(), value, false);
  device.Override(property->def.path.text(), std::move(value),
                  milliseconds(random.Between(1'000, 60'000)));
  return true;
}

bool World::ChangeSchema(Happening happening, Device& device, Random& random) {
  Plant& plant = device.plant();
  if (happening == Happening::kNewProperty) {
    if (plant.properties().size() >= kPropertiesMax) return false;
    plant.Add(random.Below(3) == 0);
    device.Define(plant.properties().back());
    return true;
  }
  PlantProperty* property = Pick(plant, random, [](const PlantProperty& p) { return !p.secret; });
  if (property == nullptr) return false;
  if (happening == Happening::kUndefine) {
    property->present = !property->present;
    if (property->present) {
      device.Define(*property);
    } else {
      device.Undefine(property->def.path.text());
    }
    return true;
  }
  if (!property->present) return false;
  if (happening == Happening::kLocalOnly) {
    property->def.local_only = !property->def.local_only;
    must_return_.erase({device.device(), property->def.path.text()});
  } else {
    plant.Redefine(static_cast<std::size_t>(property - plant.properties().data()));
  }
  device.Define(*property);
  return true;
}

// --- Stores that are set back, and machines that are more than one ---

void World::ForgetWants(const std::string& device) {
  std::erase_if(must_return_, [&](const auto& entry) { return entry.first.first == device; });
}

// After a store was set back.
void World::ForgetNumbers(const std::string& device) {
  invariants_.NumbersForgotten(device, [&](model::Pid pid, std::uint64_t chain) {
    return cloud_->HasEntry(device, pid, chain) ||
           std::ranges::any_of(by_id_[device], [&](const Device* machine) {
             return machine->ledger().HasEntry(pid, chain);
           });
  });
}

void World::SetCloudBack(const Cloud::Backup& backup) {
  cloud_->Kill();
  for (const auto& [id, machines] : by_id_) {
    const Device* speaker = Speaker(id);
    const auto then = backup.ledgers.find(id);
    if (then != backup.ledgers.end()) {
      if (machines.size() > 1) {
        invariants_.CloudForgets(id, then->second.sure());
      } else {
        invariants_.DeviceForgets(id, machines.front()->ledger(), then->second.sure());
      }
    }
    if (speaker == nullptr || machines.size() > 1 || then == backup.ledgers.end()) continue;
    const Ledger& held = speaker->ledger().sure();
    for (const auto& [key, row] : held.rows()) {
      if (key.second != Side::kDesired || row.value.none()) continue;
      const std::string& path = held.path(key.first);
      const model::Row* backed = then->second.sure().Find(path, Side::kDesired);
      if (backed != nullptr && backed->value.none()) continue;
      const bool newer = backed == nullptr || WantedOrder(row.value) > WantedOrder(backed->value);
      Held& back = must_return_[{id, path}] = {newer ? row.value : backed->value, {}, false};
      const bool heard =
          backed == nullptr || model::Gave(held.peer_lineage(), backed->dot.inc, backed->dot.seq,
                                           held.watermark(model::Stream::kControl));
      if (!heard) back.rival = newer ? backed->value : row.value;
    }
  }
  cloud_->PutBackup(backup);
  for (const auto& [id, machines] : by_id_) ForgetNumbers(id);
}

bool World::RestoreCloud(Random& random) {
  if (backups_.empty()) return false;
  SetCloudBack(backups_[random.Below(backups_.size())]);
  cloud_->StartAfter(Some(random, seconds(1), seconds(20)));
  return true;
}

void World::SetDeviceBack(Device& device, Device::Image image) {
  device.Kill();
  ForgetWants(device.device());
  invariants_.DeviceSetBack(device.device());
  const Ledger* cloud = cloud_->ledger(device.device());
  if (cloud != nullptr) invariants_.DeviceForgets(device.device(), image.ledger, *cloud);
  device.PutImage(std::move(image));
  ForgetNumbers(device.device());
}

bool World::RestoreDevice(Device& device, Random& random) {
  const auto images = images_.find(device.number());
  if (images == images_.end() || images->second.empty()) return false;
  SetDeviceBack(device, images->second[random.Below(images->second.size())]);
  device.StartAfter(Some(random, seconds(1), seconds(20)));
  return true;
}

bool World::Rot(Device& device, Random& random) {
  const std::size_t rows = random.Between(1, options_.profile.rot_rows_max);
  // More often the cloud's: it holds more of the other side's rows.
  if (random.Below(4) == 0) {
    device.Kill();
    // A rotten wish may be what is given back to a cloud that was set back.
    ForgetWants(device.device());
    device.StartAfter(seconds(2));
    return device.Rot(rows);
  }
  cloud_->Kill();
  cloud_->StartAfter(seconds(2));
  return cloud_->Rot(device.device(), [&](const model::Stored& stored) {
    return Rotten(stored, Side::kReported, rows, cloud_->machine().random(), {});
  });
}

// Somebody looks at who is fenced, and believes that one.
bool World::Admit(Device& device) {
  const bool fenced =
      device.running() && device.engine().status().state == sync::SyncState::kFenced;
  if (!fenced || !cloud_->AdmitNext(device.device())) return false;
  admitted_at_[device.device()] = schedule_.now();
  ForgetWants(device.device());
  return true;
}

bool World::Clone(Device& original, Random& random) {
  auto& machines = by_id_[original.device()];
  if (machines.size() > kClonesMax) return false;
  Device::Image image = original.TakeImage();
  ForgetWants(original.device());
  Device& clone =
      AddMachine(original.device(), original.plant(), random.Fork(devices_.size() + 7'000));
  clone.PutImage(std::move(image));
  clone.StartAfter(Some(random, seconds(1), seconds(10)));
  // Somebody finds and removes it; else there would be no end of them.
  schedule_.After(Some(random, seconds(60), seconds(300)), [this, number = clone.number()] {
    Device& found = *devices_[number];
    const auto others = std::ranges::count_if(
        by_id_[found.device()], [](const Device* machine) { return !machine->retired(); });
    if (!calm_ && others > 1) found.Retire();
  });
  return true;
}

Device& World::AddClone(Device& original, Device::Image image) {
  ForgetWants(original.device());
  Device& clone =
      AddMachine(original.device(), original.plant(), random_.Fork(devices_.size() + 8'000));
  clone.PutImage(std::move(image));
  return clone;
}

Cloud& World::StartStranger(const Cloud::Backup& backup) {
  stranger_ = std::make_unique<Cloud>(*this, random_.Fork(4), true);
  stranger_->PutBackup(backup);
  stranger_->Start();
  return *stranger_;
}

bool World::SwapBoard(Device& old, Random& random) {
  if (!cloud_->running() || by_id_[old.device()].size() > kClonesMax) return false;
  old.Retire();
  ForgetWants(old.device());
  invariants_.DeviceSetBack(old.device());
  Device& board = AddMachine(old.device(), old.plant(), random.Fork(devices_.size() + 9'000));
  if (!cloud_->AdmitNext(old.device())) return true;
  admitted_at_[old.device()] = schedule_.now();
  board.StartAfter(Some(random, seconds(1), seconds(10)));
  return true;
}

}  // namespace edgetwin::sim
