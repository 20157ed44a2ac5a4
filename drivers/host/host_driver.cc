// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/host_driver.h"

#include <algorithm>
#include <utility>

namespace edgetwin::host {
namespace {

struct Subject {
  const char* name;
  std::unique_ptr<Collector> (*make)(const HostOptions&);
};

constexpr Subject kSubjects[] = {
    {"cpu", MakeCpuCollector},
    {"load", MakeLoadCollector},
    {"memory", MakeMemoryCollector},
    {"disk", MakeDiskCollector},
    {"diskio", MakeDiskIoCollector},
    {"net", MakeNetCollector},
    {"temperature", MakeTemperatureCollector},
    {"system", MakeSystemCollector},
};

std::vector<std::string> SubjectNames() {
  std::vector<std::string> names;
  for (const Subject& subject : kSubjects) names.emplace_back(subject.name);
  return names;
}

}  // namespace

HostDriver::HostDriver(SpaceProbe probe) {
  options_.probe = probe;
}

HostDriver::~HostDriver() {
  Stop();
}

void HostDriver::Configure(ConfigReader& config) {
  thing_ = driver::ReadThing(config);
  rules_.Read(config);
  options_.root = sysfs::ReadRoot(config);
  options_.per_core = config.Bool("per_core", true);
  options_.disks = sysfs::ReadFilter(config, "disks", {});
  // Virtual ones, and the boot areas of eMMC, which nothing writes to.
  options_.diskio = sysfs::ReadFilter(
      config, "diskio", {"loop*", "ram*", "zram*", "sr*", "fd*", "nbd*", "mmcblk*boot*"});
  // The ends of containers' cables come and go by the hundred, and each would be a thing for ever.
  options_.interfaces = sysfs::ReadFilter(
      config, "interfaces", {"lo", "veth*", "ifb*", "dummy*", "docker*", "br-*", "virbr*"});
  options_.sensors = sysfs::ReadFilter(config, "sensors", {});

  const std::vector<std::string> names = SubjectNames();
  const std::vector<std::string> wanted = config.Has("collect") ? config.Strings("collect") : names;
  makes_.clear();
  for (const std::string& name : wanted) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::string near = Nearest(name, names);
      config.Problem("collect", "there is no '" + name + "'" +
                                    (near.empty() ? "" : "; did you mean '" + near + "'?"));
      continue;
    }
    const Make make = kSubjects[found - names.begin()].make;
    if (std::find(makes_.begin(), makes_.end(), make) == makes_.end()) makes_.push_back(make);
  }
  if (wanted.empty()) config.Problem("collect", "nothing is to be collected");
}

Status HostDriver::Open(driver::SampleSink& sink) {
  metrics_.emplace(sink, thing_, rules_);
  for (const Make make : makes_) collectors_.push_back(make(options_));
  return {};
}

void HostDriver::Close() {
  collectors_.clear();
  metrics_.reset();
}

Status HostDriver::Poll(driver::SampleSink&) {
  host::Poll poll{*metrics_, buffer_, loop().clock()};
  Status first;
  for (const std::unique_ptr<Collector>& collector : collectors_) {
    metrics_->Says({});
    Status status = collector->Collect(poll);
    if (first && !status) first = std::move(status);
  }
  if (Status refused = metrics_->TakeRefusal(); first && !refused) first = std::move(refused);
  return first;
}

std::vector<LimitReport> HostDriver::limits() const {
  std::vector<LimitReport> result = PollDriver::limits();
  for (const std::unique_ptr<Collector>& collector : collectors_) {
    for (LimitReport& limit : collector->limits()) result.push_back(std::move(limit));
  }
  return result;
}

driver::DriverKind HostKind() {
  return {"host", "This machine: processor, memory, disks, network, temperatures",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<HostDriver>(); }, true};
}

}  // namespace edgetwin::host
