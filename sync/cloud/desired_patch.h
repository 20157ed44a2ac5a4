// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A merge patch (RFC 7396) of what is desired, checked against a twin. Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"
#include "twin/model/twin.h"

namespace edgetwin::cloud {

inline constexpr std::size_t kPatchPropertiesMax = 5'000;

struct PatchProblem {
  std::string path;
  std::string detail;
};

struct PatchedValue {
  model::Path path;
  model::Value value;  // None: withdraw.
};

struct DesiredPatch {
  std::vector<PatchedValue> values;  // Each path once.
  std::vector<PatchProblem> problems;  // Every one that was found, not only the first.
};

// `body` is a JSON object. Its members are paths, or parts of paths joined by nesting: {"pump/speed": 5} and
// {"pump": {"speed": 5}} are one. null withdraws a wish, and with it every wish below that path.
//
// A value must fit what the device has told of the property: type, limits, writable. Of a path that the device has
// not told, any value is taken: the device will say what it thinks of it.
// kInvalid: not JSON, not an object, or with a member twice.
Result<DesiredPatch> ReadDesiredPatch(std::string_view body, const model::Twin& twin);

}  // namespace edgetwin::cloud
