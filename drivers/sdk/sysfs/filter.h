// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The options that drivers of /sys have in common: where the tree is, and which of its devices
// count.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "twin/base/config_node.h"

namespace edgetwin::sysfs {

// Shell-like patterns over names, as model::Matches has them.
struct NameFilter {
  std::vector<std::string> include;  // Empty: everything.
  std::vector<std::string> exclude;
  bool Passes(std::string_view name) const { return Passes(name, name); }
  // For what goes by two names: either may be included, neither may be excluded.
  bool Passes(std::string_view name, std::string_view alias) const;
};

// Reads `NAME_include` and `NAME_exclude`. Whoever names either wants just that: `otherwise`, what
// is excluded by default, then no longer applies.
NameFilter ReadFilter(ConfigReader& config, const std::string& name,
                      std::vector<std::string> otherwise = {});

// Reads `root`, the folder that holds "proc" and "sys"; for recorded trees. Without a slash at its
// end, so empty for this machine's.
std::string ReadRoot(ConfigReader& config);

}  // namespace edgetwin::sysfs
