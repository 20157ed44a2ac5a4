// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// TOML files to a ConfigNode tree.
//
// A configuration is one file and, next to it, the files conf.d/*.toml in the order of their names
// (those whose names begin with '.' are not looked at). Tables of the same name merge; any other
// key may be set in one file only. Everything that is wrong with any of the files is reported in
// one go.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/config_node.h"

namespace edgetwin::config {

inline constexpr std::size_t kFileBytesMax = 1 << 20;
inline constexpr std::size_t kFilesMax = 256;
// Of tables and arrays within each other; the deepest that is in use is five.
inline constexpr int kDepthMax = 16;

struct LoadedToml {
  ConfigNode root;                 // A table: all that could be read.
  std::vector<std::string> files;  // Looked at, in order.
  // Whether that is everything. If not, what seems to be missing may stand in what could not be
  // read.
  bool complete = true;
};

// Loads `path` and its conf.d.
LoadedToml LoadToml(const std::string& path, ConfigProblems& problems);

// One document; `file` names it in problems. Nothing when it is no TOML at all; dates and times,
// which no key here takes, are problems too but leave the rest readable.
std::optional<ConfigNode> ParseToml(std::string_view text, const std::string& file,
                                    ConfigProblems& problems);

}  // namespace edgetwin::config
