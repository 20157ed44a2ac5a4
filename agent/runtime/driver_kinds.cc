// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/driver_kinds.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "drivers/can/can_driver.h"
#include "drivers/exec/exec_driver.h"
#include "drivers/host/host_driver.h"
#include "drivers/hwmon/hwmon_driver.h"
#include "drivers/iio/iio_driver.h"
#include "drivers/nmea/nmea_driver.h"
#include "drivers/replay/replay_driver.h"
#include "drivers/sdk/module.h"
#include "drivers/thermal/thermal_driver.h"
#include "drivers/w1/w1_driver.h"
#include "twin/model/path.h"

namespace edgetwin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".so";
// Each has a Debian package of its own: edgetwin-driver-<kind>.
constexpr std::array<std::string_view, 5> kOwnModules = {"gpio", "http", "modbus", "mqtt", "snmp"};

// A module runs as the agent does: whoever may write it is the agent.
Status CheckWriters(const fs::path& file) {
  struct stat state {};
  if (stat(file.c_str(), &state) != 0) return NotFound(file.string() + " is gone");
  if ((state.st_mode & S_IWOTH) == 0) return {};
  return Unsupported(file.string() + " can be written by anybody, so it is not opened");
}

Result<driver::DriverKind> Open(const fs::path& file) {
  if (const Status ok = CheckWriters(file); !ok) return ok.error();
  void* const module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* const why = dlerror();
    return Unsupported("the driver module can't be opened: " +
                       std::string(why == nullptr ? file.string() : why));
  }
  // Never closed: what it registers to run at the end, and its threads, may outlive an instance.
  const auto* const found =
      static_cast<const driver::Module*>(dlsym(module, driver::kModuleSymbol));
  if (found == nullptr) {
    return Unsupported(file.string() + " is no driver module that this edgetwin knows: it has no " +
                       driver::kModuleSymbol);
  }
  if (std::string_view(found->sdk) != driver::kSdk) {
    return Unsupported(file.string() + " was built for edgetwin " + found->version +
                       " with driver SDK " + found->sdk + "; this is edgetwin " + EDGETWIN_VERSION +
                       " with driver SDK " + driver::kSdk +
                       ": install the module that belongs to it, or build it again");
  }
  driver::DriverKind kind;
  found->kind(&kind);
  return kind;
}

}  // namespace

std::vector<driver::DriverKind> BuiltInKinds() {
  return {can::CanKind(),       exec::ExecKind(),       host::HostKind(),
          hwmon::HwmonKind(),   iio::IioKind(),         nmea::NmeaKind(),
          replay::ReplayKind(), thermal::ThermalKind(), w1::W1Kind()};
}

std::vector<fs::path> ModuleFolders() {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(program.parent_path().parent_path() / "lib/edgetwin/drivers");
  const fs::path local = "/usr/local/lib/edgetwin/drivers";
  if (folders.empty() || folders.front() != local) folders.push_back(local);
  return folders;
}

DriverKinds::DriverKinds(std::vector<driver::DriverKind> built_in, std::vector<fs::path> folders)
    : built_in_(std::move(built_in)), folders_(std::move(folders)) {}

fs::path DriverKinds::ModuleOf(std::string_view name) const {
  if (!model::CheckSegment(name)) return {};  // No "..", no "/".
  const bool built_in = std::ranges::count(built_in_, name, &driver::DriverKind::name) != 0;
  for (const fs::path& folder : folders_) {
    const fs::path file = folder / (std::string(name) + std::string(kSuffix));
    std::error_code error;
    if (!built_in && fs::is_regular_file(file, error)) return file;
  }
  return {};
}

Result<driver::DriverKind> DriverKinds::Find(std::string_view name) const {
  const auto known = std::ranges::find(built_in_, name, &driver::DriverKind::name);
  if (known != built_in_.end()) return *known;
  const fs::path file = ModuleOf(name);
  if (file.empty()) {
    const std::string kind(name);
    if (std::ranges::count(kOwnModules, name) == 0) {
      return NotFound("there is no driver of kind '" + kind + "'");
    }
    return NotFound("the driver module of kind '" + kind +
                    "' is not installed: it is in the package edgetwin-driver-" + kind);
  }
  auto kind = Open(file);
  if (kind && kind->name != name) {
    return Unsupported(file.string() + " has a driver of kind '" + kind->name + "', not '" +
                       std::string(name) + "'");
  }
  return kind;
}

std::vector<std::string> DriverKinds::names() const {
  std::set<std::string> names;
  for (const driver::DriverKind& kind : built_in_) names.insert(kind.name);
  for (const std::string_view own : kOwnModules) names.emplace(own);
  for (const fs::path& folder : folders_) {
    std::error_code error;
    for (fs::directory_iterator each(folder, error), end; !error && each != end;
         each.increment(error)) {
      if (each->path().extension() == kSuffix) names.insert(each->path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

config::DriverCheck MakeDriverCheck(DriverKinds kinds, BadModule bad) {
  // By what Driver::exclusive says, of the instances checked so far.
  std::map<std::string, std::string> holders;
  return [kinds = std::move(kinds), bad, holders](const config::DriverInstanceConfig& instance,
                                                  ConfigReader& reader) mutable {
    const auto kind = kinds.Find(instance.kind);
    if (!kind) {
      if (bad == BadModule::kIsAProblem) reader.Problem("kind", kind.error().text);
      return false;
    }
    const std::unique_ptr<driver::Driver> driver = kind->make();
    if (!driver->Init(reader) || !instance.enabled || driver->exclusive().empty()) return true;
    const auto [holder, added] = holders.emplace(driver->exclusive(), reader.prefix());
    if (!added) {
      reader.Problem({}, "uses " + holder->first + ", and so does " + holder->second +
                             "; only one of them can");
    }
    return true;
  };
}

}  // namespace edgetwin::runtime
