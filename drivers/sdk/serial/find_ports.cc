// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/serial/find_ports.h"

#include <map>
#include <system_error>

#include "drivers/sdk/sysfs/files.h"

namespace edgetwin::serial {
namespace {

namespace fs = std::filesystem;

constexpr int kParentsMax = 6;  // From a port to the adapter that it belongs to.

std::vector<std::string> Names(const fs::path& folder) {
  return sysfs::ListFolder(folder.string()).value_or(std::vector<std::string>());
}

// A USB device names itself some folders above its port; others have their driver's name.
std::string Describe(const fs::path& device) {
  std::error_code error;
  fs::path folder = fs::canonical(device, error);
  if (error) return {};
  const std::string driver = sysfs::LinkName((folder / "driver").string());
  for (int i = 0; i < kParentsMax && folder.has_relative_path(); ++i) {
    const std::string product = sysfs::TextOr((folder / "product").string(), "");
    if (!product.empty()) {
      const std::string maker = sysfs::TextOr((folder / "manufacturer").string(), "");
      return maker.empty() ? product : maker + " " + product;
    }
    folder = folder.parent_path();
  }
  return driver;
}

}  // namespace

std::vector<FoundPort> FindPorts(const fs::path& root) {
  // By the kernel's name.
  std::map<std::string, std::string> lasting;
  const fs::path by_id = root / "dev/serial/by-id";
  for (const std::string& name : Names(by_id)) {
    const std::string node = sysfs::LinkName((by_id / name).string());
    if (!node.empty()) lasting.emplace(node, "/dev/serial/by-id/" + name);
  }
  std::vector<FoundPort> ports;
  const fs::path ttys = root / "sys/class/tty";
  for (const std::string& name : Names(ttys)) {
    const fs::path tty = ttys / name;
    if (!sysfs::Exists((tty / "device").string())) continue;  // A console or pseudo-terminal.
    // A 16550 that isn't there: PORT_UNKNOWN.
    if (sysfs::TextOr((tty / "type").string(), "") == "0") continue;
    if (ports.size() == kFoundPortsMax) break;
    FoundPort& port = ports.emplace_back();
    port.node = "/dev/" + name;
    const auto known = lasting.find(name);
    port.device = known == lasting.end() ? port.node : known->second;
    port.what = Describe(tty / "device");
  }
  return ports;
}

std::vector<driver::Found> ScanPorts(ConfigReader& options, const std::string& kind,
                                     const std::string& what, const std::string& config) {
  const fs::path root = options.String("root", "/");
  std::vector<driver::Found> list;
  for (const FoundPort& port : FindPorts(root)) {
    driver::Found& found = list.emplace_back();
    found.device = port.device;
    found.what = port.what.empty() ? what : port.what + "; " + what;
    if (port.device != port.node) found.what = port.node.substr(5) + ": " + found.what;
    found.config = "[drivers." + kind + "]\ndevice = \"" + port.device + "\"\n" + config;
  }
  return list;
}

}  // namespace edgetwin::serial
