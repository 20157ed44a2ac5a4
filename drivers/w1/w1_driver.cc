// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/w1/w1_driver.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "drivers/sdk/discovering_driver.h"
#include "drivers/sdk/policy.h"
#include "drivers/sdk/sysfs/files.h"
#include "drivers/sdk/sysfs/filter.h"
#include "drivers/w1/w1_bus.h"
#include "twin/base/random.h"

namespace edgetwin::w1 {
namespace {

constexpr std::size_t kSensorsNamedMax = 256;
constexpr int kDecimals = 2;  // A DS18B20 has 1/16 °C.
// A measurement, asked for once more at 85 °C, each with the kernel's own repetitions.
constexpr std::chrono::seconds kOperationMax{10};

// What the operator says of one sensor.
struct Named {
  std::string name;
  model::PropertyDef def;
};

// A bus master as a scan found it.
struct Master {
  std::string name;  // "w1_bus_master1".
  std::string folder;
  std::vector<W1Sensor> sensors;
};

class W1Driver final : public driver::DiscoveringDriver {
 public:
  explicit W1Driver(std::function<std::unique_ptr<W1Files>()> files) : files_(std::move(files)) {}

 protected:
  void Configure(ConfigReader& config) override {
    thing_ = driver::ReadThing(config);
    rules_.Read(config);
    root_ = sysfs::ReadRoot(config);
    filter_ = sysfs::ReadFilter(config, "sensors");
    bulk_ = config.Bool("bulk", true);
    named_.clear();
    std::set<std::string> names;
    for (ConfigReader& table : config.Tables("sensor")) {
      if (named_.size() == kSensorsNamedMax) {
        config.Problem("sensor", "there are more than " + std::to_string(kSensorsNamedMax));
        return;
      }
      ReadNamed(table, names);
    }
  }

  driver::FoundBuses Scan() override {
    driver::FoundBuses found;
    const std::string folder = root_ + "/sys/bus/w1/devices";
    if (const auto listed = sysfs::ListFolder(folder); !listed) {
      found.status = listed.error();
      return found;
    }
    std::vector<Master> masters;
    std::set<std::string> seen;
    for (const std::uint64_t number : sysfs::Numbers(folder, "w1_bus_master", "")) {
      Master master;
      master.name = "w1_bus_master" + std::to_string(number);
      master.folder = folder + "/" + master.name;
      master.sensors = FindSensors(master.folder, seen);
      masters.push_back(std::move(master));
    }
    devices_limit().Use(seen.size());
    AddAbsent(seen, masters);
    if (masters.empty()) found.status = NotFound(folder + ": there is no bus master");
    for (Master& master : masters) {
      if (!master.sensors.empty()) found.buses.push_back(MakeBus(std::move(master)));
    }
    return found;
  }

 private:
  void ReadNamed(ConfigReader& table, std::set<std::string>& names) {
    table.Require("id");
    const std::string id = table.String("id", "");
    Named named;
    named.name = table.String("name", id);
    named.def = Define(named.name);
    driver::ReadPropertyOptions(table, named.def);
    table.Finish();
    if (!id.empty() && !FamilyOf(id)) {
      table.Problem("id", "'" + id +
                              "' is not the id of a temperature sensor, such as "
                              "28-0316a2795aff; families are 10, 22, 28, 3b and 42");
      return;
    }
    if (const auto path = PathOf(named.name); !path) {
      table.Problem("name", "'" + named.name + "' can't be in a path: " + path.error().text);
      return;
    }
    if (!named_.emplace(id, named).second) table.Problem("id", "'" + id + "' is there twice");
    if (!names.insert(named.name).second) {
      table.Problem("name", "two sensors are called '" + named.name + "'");
    }
  }

  Result<model::Path> PathOf(const std::string& name) const {
    return model::Path::Parse(thing_ + "/" + name);
  }

  // Without a path.
  model::PropertyDef Define(const std::string& name) const {
    model::PropertyDef def;
    def.type = model::ValueType::kDouble;
    def.unit = "Cel";
    def.decimals = kDecimals;
    def.policy.deadband = 0.1;
    def.description = "Temperature";
    rules_.Apply(name, def);
    return def;
  }

  // The sensors of a master that `seen`, their ids, doesn't have yet; adds them to it. An id is the
  // only one in the world, but one that was moved may be listed twice for a while.
  std::vector<W1Sensor> FindSensors(const std::string& master, std::set<std::string>& seen) {
    std::vector<W1Sensor> sensors;
    const Result<std::vector<std::string>> names = sysfs::ListFolder(master);
    if (!names) return sensors;  // It vanished just now.
    for (const std::string& id : *names) {
      const std::optional<Family> family = FamilyOf(id);
      if (!family || seen.contains(id) || !filter_.Passes(id, NameOf(id))) continue;
      W1Sensor sensor;
      sensor.id = id;
      sensor.folder = master + "/" + id;
      sensor.has_temperature = sysfs::Exists(sensor.folder + "/temperature");
      sensor.has_slave = sysfs::Exists(sensor.folder + "/w1_slave");
      sensor.family = *family;
      // Without either the kernel's driver isn't bound yet, or never will be.
      if (!sensor.has_temperature && !sensor.has_slave) continue;
      if (!devices_limit().Fits(seen.size() + 1)) {
        devices_limit().Hit();
        continue;
      }
      seen.insert(id);
      sensors.push_back(std::move(sensor));
    }
    return sensors;
  }

  // Sensors that the operator named stay known while they are unplugged, bad, on the first bus.
  void AddAbsent(const std::set<std::string>& seen, std::vector<Master>& masters) const {
    if (masters.empty()) return;
    for (const auto& [id, named] : named_) {
      if (seen.contains(id) || !filter_.Passes(id, named.name)) continue;
      W1Sensor sensor;
      sensor.id = id;
      sensor.family = *FamilyOf(id);
      masters.front().sensors.push_back(std::move(sensor));
    }
  }

  std::string NameOf(const std::string& id) const {
    const auto named = named_.find(id);
    return named == named_.end() ? id : named->second.name;
  }

  driver::FoundBus MakeBus(Master found) const {
    driver::FoundBus bus;
    bus.options.name = found.name;
    bus.options.parts = {{found.name, period()}};
    bus.options.operation_deadline = kOperationMax;
    bus.options.stuck_after = kOperationMax;
    W1Master master;
    master.period = period();
    const std::string bulk = found.folder + "/therm_bulk_read";
    if (bulk_ && sysfs::Exists(bulk)) master.bulk = bulk;
    bus.identity = master.bulk;
    for (W1Sensor& sensor : found.sensors) {
      Result<model::Path> path = PathOf(NameOf(sensor.id));
      if (!path) continue;  // `thing` is so long that an id is too much.
      const auto named = named_.find(sensor.id);
      model::PropertyDef def = named == named_.end() ? Define(sensor.id) : named->second.def;
      def.path = *std::move(path);
      def.source = std::string(sensor.family.name) + " " + sensor.id;
      bus.identity += " " + sensor.folder + (sensor.has_temperature ? "" : "(w1_slave)");
      sensor.decimals = def.decimals;
      bus.options.properties.push_back({0, std::move(def)});
      master.sensors.push_back(std::move(sensor));
    }
    bus.make = [files = files_, master = std::move(master)] {
      return std::make_unique<W1Bus>(master, files(), RandomBits());
    };
    return bus;
  }

  const std::function<std::unique_ptr<W1Files>()> files_;
  std::string thing_;
  driver::PolicyRules rules_;
  std::string root_;
  sysfs::NameFilter filter_;
  bool bulk_ = true;
  std::map<std::string, Named> named_;  // By id.
};

}  // namespace

std::unique_ptr<driver::Driver> MakeW1Driver(std::function<std::unique_ptr<W1Files>()> files) {
  return std::make_unique<W1Driver>(std::move(files));
}

driver::DriverKind W1Kind() {
  return {"w1", "1-wire temperature sensors: DS18B20 and family",
          []() -> std::unique_ptr<driver::Driver> { return MakeW1Driver(MakeKernelFiles); }, true};
}

}  // namespace edgetwin::w1
