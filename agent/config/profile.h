// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Device profiles: what is the same for every device of a model, such as a meter's registers,
// written once and shared.
//
//   [[drivers.meters.unit]]
//   id = 3
//   profile = "eastron-sdm120"
//   except = ["*_demand"]
//
// A profile is a TOML file. `kind` says for which kind of driver it is, `description` what it
// describes, `source` where that is known from; all its other keys are as if they stood in the
// table that names it, unless that has them itself. Arrays of tables (registers) are joined: what
// the naming table says of one with the same `name` goes over what the profile says, key by key.
// `only` and `except` are patterns of names that are taken and left out; what the naming table
// says something of itself is always taken.
//
// Drivers know nothing of it: they get one tree, in which each key knows the file and line where it
// stands. An instance's table may name a profile, and so may the tables of arrays in it.

#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "twin/base/config_node.h"

namespace edgetwin::config {

inline constexpr std::size_t kProfilesMax = 64;  // Files that one configuration names.
// Tables that all of a configuration's profiles together become.
inline constexpr std::size_t kProfileTablesMax = 200'000;

// Where profiles are looked for: a name (no '/') in each of `directories`, the first that has it;
// a path from `base`.
struct ProfilePlaces {
  std::string base;
  std::vector<std::string> directories;
};

// For a configuration in `directory`: its own folder "profiles", then those of /etc/edgetwin and of
// what is installed.
ProfilePlaces DefaultProfilePlaces(const std::string& directory);

struct ExpandedProfiles {
  std::vector<std::string> files;  // In the order in which they are named first; each once.
  // The instances that lack something for a problem with a profile: their drivers would complain
  // of what isn't the operator's mistake.
  std::set<std::string> incomplete;
};

// Puts in the place of every profile that `drivers`, the table of instances, names what it says.
ExpandedProfiles ExpandProfiles(ConfigNode& drivers, const ProfilePlaces& places,
                                ConfigProblems& problems);

// Puts what `profile` says (a profile's whole table) into `table`, which names it; `key` is the
// table's, `name` the profile's, for people. False, with problems, when they don't fit.
bool ApplyProfile(ConfigNode& table, const ConfigNode& profile, const std::string& key,
                  const std::string& name, ConfigProblems& problems);

}  // namespace edgetwin::config
