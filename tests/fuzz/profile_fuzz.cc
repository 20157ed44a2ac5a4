// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A table and the profile that it names, both as somebody may have written them: the two halves of
// the input, at the first line "===". Whatever they say, nothing of the naming is left, and what
// the table says itself stays.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/config/agent_config.h"
#include "agent/config/profile.h"
#include "agent/config/toml_loader.h"
#include "twin/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin;  // NOLINT: this file is about nothing else.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kCut = "===\n";
  const std::size_t cut = text.find(kCut);
  if (cut == text.npos) return 0;
  ConfigProblems problems;
  auto table = config::ParseToml(text.substr(0, cut), "own.toml", problems);
  const auto profile = config::ParseToml(text.substr(cut + kCut.size()), "profile.toml", problems);
  if (!table || !profile) return 0;
  const ConfigNode before = *table;
  const std::size_t said = problems.count();
  const bool good = config::ApplyProfile(*table, *profile, "drivers.m", "p", problems);
  EDGETWIN_CHECK(good == (problems.count() == said));
  for (const char* key : {"profile", "only", "except"}) EDGETWIN_CHECK(!table->Find(key));
  for (const auto& [key, value] : *before.table()) {
    if (key == "profile" || key == "only" || key == "except") continue;
    const ConfigNode* now = table->Find(key);
    EDGETWIN_CHECK(now != nullptr);
    EDGETWIN_CHECK(value.array() != nullptr || config::EqualNodes(*now, value));
    // A table with the name of one that the profile has twice is joined with both.
    EDGETWIN_CHECK(value.array() == nullptr || value.array()->empty() || !now->array()->empty());
  }
  return 0;
}
