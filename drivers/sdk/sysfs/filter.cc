// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/sysfs/filter.h"

#include <algorithm>
#include <utility>

#include "twin/model/path.h"

namespace edgetwin::sysfs {
namespace {

bool MatchesAny(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return model::Matches(pattern, name); });
}

}  // namespace

bool NameFilter::Passes(std::string_view name, std::string_view alias) const {
  if (!include.empty() && !MatchesAny(include, name) && !MatchesAny(include, alias)) return false;
  return !MatchesAny(exclude, name) && !MatchesAny(exclude, alias);
}

NameFilter ReadFilter(ConfigReader& config, const std::string& name,
                      std::vector<std::string> otherwise) {
  const bool include_named = config.Has(name + "_include");
  const bool exclude_named = config.Has(name + "_exclude");
  NameFilter filter;
  filter.include = config.Strings(name + "_include");
  filter.exclude = config.Strings(name + "_exclude");
  if (!include_named && !exclude_named) filter.exclude = std::move(otherwise);
  return filter;
}

std::string ReadRoot(ConfigReader& config) {
  std::string root = config.String("root", "/");
  if (!root.starts_with("/")) config.Problem("root", "'" + root + "' is not an absolute path");
  while (root.ends_with("/")) root.pop_back();
  return root;
}

}  // namespace edgetwin::sysfs
