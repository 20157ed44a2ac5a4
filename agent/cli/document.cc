// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/document.h"

#include "agent/api/text.h"
#include "twin/base/clock.h"

namespace edgetwin::cli {

Style QualityStyle(std::string_view quality) {
  if (quality == "good") return Style::kGood;
  if (quality == "bad") return Style::kBad;
  return quality == "stale" ? Style::kDim : Style::kWarn;
}

std::string TimeAt(const Json& json, std::string_view key) {
  const auto time = api::ParseTime(At(json, key));
  return time ? api::When(*time, SystemClock().UntrustedWall()) : "-";
}

std::string AgoAt(const Json& json, std::string_view key) {
  const auto time = api::ParseTime(At(json, key));
  return time ? api::Relative(SystemClock().UntrustedWall() - *time) : "-";
}

}  // namespace edgetwin::cli
