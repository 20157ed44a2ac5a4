// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Properties as the API shows them, one or a page of them.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/json.h"
#include "agent/api/view.h"

namespace edgetwin::api {

inline constexpr std::size_t kPageDefault = 500;
inline constexpr std::size_t kPageMax = 5'000;

// What is known of a property: from before the start counts as stale, whatever its row says.
model::Quality QualityOf(const View& view, model::PropertyId id);
// Whether the cloud has the row on disk; nothing when that is not known, or no question: the
// property is local only, or no cloud is configured.
std::optional<bool> Acknowledged(const View& view, model::PropertyId id, model::Side side);
// Whether the row is on this device's flash.
bool OnFlash(const View& view, model::PropertyId id, model::Side side);
// The override in force, or null.
const model::Row* OverrideOf(const View& view, model::PropertyId id);
std::chrono::milliseconds OverrideLeft(const View& view, model::PropertyId id);

// One entry of the list. Every key is always there; null where there is nothing to say.
Json PropertyJson(const View& view, model::PropertyId id);
// The same with definition, policy and versions.
Json PropertyDetailJson(const View& view, model::PropertyId id);

struct PropertyQuery {
  std::string pattern;  // As model::Matches; empty: all.
  std::optional<model::Quality> quality;
  std::string after;  // Paths above this one, byte by byte.
  std::size_t limit = kPageDefault;
};
// {"properties":[…],"total":N,"next":PATH or null}: sorted by path; `total` counts all that match,
// `next` is `after` of the next page.
Json PropertiesJson(const View& view, const PropertyQuery& query);

std::optional<model::Quality> ParseQuality(std::string_view name);

// kNotFound with the nearest paths.
Result<model::PropertyId> FindProperty(const model::Twin& twin, std::string_view path);
// Up to `count_max` paths that `path` may have meant, best first.
std::vector<std::string> NearestPaths(const model::Twin& twin, std::string_view path,
                                      std::size_t count_max = 3);

}  // namespace edgetwin::api
