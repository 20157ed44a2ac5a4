// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/scan.h"

#include <net/if.h>
#include <net/if_arp.h>

#include <cstdlib>
#include <string>

#include "drivers/sdk/sysfs/files.h"

namespace edgetwin::can {

Result<std::vector<driver::Found>> ScanInterfaces(ConfigReader& options, const driver::GoOn&) {
  const std::string folder = options.String("root", "") + "/sys/class/net/";
  std::vector<driver::Found> list;
  const auto names = sysfs::ListFolder(folder);
  if (!names) return list;  // A machine without a network.
  for (const std::string& name : *names) {
    const std::string interface = folder + name;
    if (sysfs::TextOr(interface + "/type", "") != std::to_string(ARPHRD_CAN)) continue;
    if (list.size() == kFoundInterfacesMax) break;
    const std::string flags = sysfs::TextOr(interface + "/flags", "0");
    const bool up = (std::strtoul(flags.c_str(), nullptr, 16) & IFF_UP) != 0;
    std::string chip = sysfs::LinkName(interface + "/device/driver");
    if (chip.empty()) chip = "virtual";
    driver::Found& found = list.emplace_back();
    found.device = name;
    found.what = chip + ", " + (up ? "up" : "down: ip link set " + name + " up type can bitrate …");
    found.config = "[drivers." + name + "]\nkind = \"can\"\ninterface = \"" + name +
                   "\"\ndbc = \"/etc/edgetwin/" + name + ".dbc\"\n";
  }
  return list;
}

}  // namespace edgetwin::can
